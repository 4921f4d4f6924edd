/** Google's library speaks `fetch`; here it speaks it to our transport. */
import type { Transport } from '../../transport/transport.ts';

/** The library signs for this, and asks here, whatever a key file says. */
const googleTokenUrl = 'https://oauth2.googleapis.com/token';

/** @param tokenUrl who is asked in place of Google's token server; undefined: Google's */
export function fetchOver(transport: Transport, tokenUrl: string | undefined): typeof fetch {
  return async (input, init = {}) => {
    const asked = input instanceof Request ? input.url : String(input);
    const url = tokenUrl !== undefined && asked === googleTokenUrl ? tokenUrl : asked;
    const headers = Object.fromEntries(new Headers(init.headers));
    const { body } = init;
    if (body instanceof URLSearchParams) {
      headers['content-type'] ??= 'application/x-www-form-urlencoded;charset=UTF-8';
    } else if (body != null && typeof body !== 'string' && !(body instanceof Uint8Array)) {
      throw new TypeError("Google's library sent a body of a kind that Postern does not expect.");
    }
    const response = await transport.send({
      method: init.method ?? 'GET',
      url,
      headers,
      ...(body != null && { body: body instanceof URLSearchParams ? body.toString() : body }),
      ...(init.signal && { signal: init.signal }),
    });
    const isEmpty = response.status === 204 || response.status === 304;
    return new Response(isEmpty ? null : (response.body as Uint8Array<ArrayBuffer>), {
      status: response.status,
      headers: response.headers,
    });
  };
}
