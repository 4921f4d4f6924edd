import { isIP } from 'node:net';
import type { Fault } from './fields.ts';

export const atlasRealms = ['commercial', 'government'] as const;

/** What is wrong with `atlas.baseUrl`: a realm's name, or a URL. */
export function baseUrlFault(value: string): Fault | undefined {
  if ((atlasRealms as readonly string[]).includes(value)) return undefined;
  const fault = urlFault(value);
  return (
    fault && { ...fault, message: fault.message.replace('expected', 'expected commercial, government, or') }
  );
}

/** What is wrong with a URL that credentials are sent to: it must be https, unless it is this machine. */
export function urlFault(value: string): Fault | undefined {
  const url = URL.parse(value);
  // It is not quoted before it is known to hold no password.
  if (!url || !/^https?:$/.test(url.protocol))
    return { message: 'expected an https URL; got something else.' };
  if (url.username !== '' || url.password !== '') {
    return {
      message: 'expected an https URL without a user name or password; got one with, which is not shown.',
    };
  }
  if (url.search !== '' || url.hash !== '') {
    return {
      message: 'expected an https URL without a query or fragment; got one with, which is not shown.',
    };
  }
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname)) {
    return {
      message: `expected an https URL; got ${JSON.stringify(value)}.`,
      remedy: 'Credentials are sent there: plain http is for this machine alone.',
    };
  }
  return undefined;
}

/** Whether a host is this machine, so that nothing goes over a network. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'));
}
