import http from 'node:http';

const variables = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'] as const;

/**
 * Has every request go through the proxy that the environment names (HTTPS_PROXY, HTTP_PROXY, NO_PROXY, also
 * in lower case), by Node's own support for it.
 *
 * @returns a warning when a proxy is named and cannot be used; it never quotes the value, which may hold a password
 */
export function useProxyFromEnvironment(env: NodeJS.ProcessEnv): string | undefined {
  const named = variables.find(name => env[name]);
  if (named === undefined) return undefined;
  const set = (http as { setGlobalProxyFromEnv?: (env: NodeJS.ProcessEnv) => unknown }).setGlobalProxyFromEnv;
  if (!set) return `${named} is set, and Node.js ${process.version} cannot use it: 24.14 or newer can.`;
  try {
    set(env);
  } catch {
    return `${named} is set, and its value is no URL such as http://proxy.example.com:8080: no proxy is used.`;
  }
  return undefined;
}
