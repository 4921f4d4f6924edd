import { readFileSync, statSync } from 'node:fs';
import type { FileReader } from './secret-reference.ts';

/** Far more than any config or secret needs: a path that names a disk by mistake is not read whole. */
const maxBytes = 1024 * 1024;

/** The files of this machine. */
export const systemFiles: FileReader = {
  readText(path) {
    const size = statSync(path).size;
    if (size > maxBytes) {
      throw Object.assign(new Error(`${path} has ${size} bytes; at most ${maxBytes} are read.`), {
        code: 'EFBIG',
      });
    }
    return readFileSync(path, 'utf8');
  },
  modeOf: path => (process.platform === 'win32' ? undefined : statSync(path).mode & 0o777),
};
