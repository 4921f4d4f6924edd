import { randomUUID } from 'node:crypto';
import { generate } from 'selfsigned';

/**
 * A certificate for loopback, made afresh each time: the Azure SDK sends no token over plain HTTP. Each has a
 * name of its own, because of two with one name only the first is looked at.
 */
export async function makeCertificate(): Promise<{ readonly key: string; readonly cert: string }> {
  const pems = await generate([{ name: 'commonName', value: `Postern lab ${randomUUID()}` }], {
    keyType: 'ec',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  return { key: pems.private, cert: pems.cert };
}
