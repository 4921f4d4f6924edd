import http from 'node:http';

const variables = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'] as const;

/**
 * Has every request go through the proxy that the environment names (HTTPS_PROXY, HTTP_PROXY, NO_PROXY, also
 * in lower case), by Node's own support for it.
 *
 * @returns a warning when a proxy is named and this Node.js cannot use it
 */
export function useProxyFromEnvironment(env: NodeJS.ProcessEnv): string | undefined {
  const named = variables.find(name => env[name]);
  if (named === undefined) return undefined;
  const set = (http as { setGlobalProxyFromEnv?: (env: NodeJS.ProcessEnv) => unknown }).setGlobalProxyFromEnv;
  if (!set) return `${named} is set, and Node.js ${process.version} cannot use it: 24.14 or newer can.`;
  set(env);
  return undefined;
}
