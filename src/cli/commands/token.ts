/** `postern token`: makes a token for the HTTP API. It is shown once; the config keeps its hash. */
import { makeToken } from '../../server/access.ts';
import type { CommandAction } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';

export const run: CommandAction<object> = async ({ output }, [name]) => {
  const { token, hash } = makeToken();
  if (output.isJson) {
    output.json({ token, hash });
    return exitCodes.ok;
  }
  output.print(token);
  output.note(`
This is the token; it is not kept anywhere and cannot be shown again. For the config:

  server:
    tokens:
      - name: ${name ?? 'NAME'}
        hash: ${hash}
        may: [read, sync, approve]     # what it is for; leave out what it need not do

Use it as: curl --header "Authorization: Bearer TOKEN" http://127.0.0.1:8930/api/v1/status`);
  return exitCodes.ok;
};
