/** E-mail over SMTP, by nodemailer: loaded when a config names it. TLS is required unless the server is this machine. */
import { createHash } from 'node:crypto';
import type { Secret } from '../../secret.ts';
import { plainText, wordingOf } from '../wording.ts';
import { type Channel, ChannelError, messageOf } from './channel.ts';
import type { ChannelParts } from './index.ts';

export interface EmailOptions {
  readonly host: string;
  readonly port: number;
  /** `implicit`: TLS from the first byte (465); `starttls`: upgraded (587); `none`: for this machine alone. */
  readonly tls: 'implicit' | 'starttls' | 'none';
  readonly user: string | undefined;
  readonly password: Secret | undefined;
  readonly from: string;
  readonly to: readonly string[];
}

const timeoutMs = 20_000;
const maxSubjectLength = 200;

export function emailChannel(parts: ChannelParts, options: EmailOptions): Channel {
  const { name, from, source } = parts;
  return {
    kind: 'email',
    name,
    from,
    async send(notice) {
      const wording = wordingOf(notice, source);
      const { createTransport } = await import('nodemailer');
      const mailer = createTransport({
        host: options.host,
        port: options.port,
        secure: options.tls === 'implicit',
        requireTLS: options.tls === 'starttls',
        ignoreTLS: options.tls === 'none',
        connectionTimeout: timeoutMs,
        greetingTimeout: timeoutMs,
        socketTimeout: timeoutMs,
        disableFileAccess: true,
        disableUrlAccess: true,
        ...(options.user !== undefined &&
          options.password !== undefined && {
            auth: { user: options.user, pass: options.password.reveal() },
          }),
      });
      try {
        await mailer.sendMail({
          from: options.from,
          to: [...options.to],
          subject: `Postern ${wording.title}`.slice(0, maxSubjectLength),
          text: `${plainText(wording)}\n`,
          messageId: messageIdOf(notice.id, options.from),
          headers: { 'Auto-Submitted': 'auto-generated', 'X-Postern-Situation': notice.situation.id },
        });
      } catch (cause) {
        throw explain(name, cause);
      } finally {
        mailer.close();
      }
    },
  };
}

/** The same notice has the same Message-ID, so that a mail sent twice is shown once. */
function messageIdOf(id: string, from: string): string {
  const domain = /@([^\s>]+)/.exec(from)?.[1] ?? 'postern.invalid';
  return `<${createHash('sha256').update(id).digest('hex').slice(0, 40)}@${domain}>`;
}

function explain(name: string, cause: unknown): ChannelError {
  const { code, responseCode } = cause as { code?: string; responseCode?: number };
  const isLasting = code === 'EAUTH' || (responseCode !== undefined && responseCode >= 500);
  const remedy =
    code === 'EAUTH'
      ? 'Check `user` and `password` of this channel.'
      : 'Check `host`, `port` and `tls` of this channel, and that the server takes mail from here.';
  // The library's own words may quote what was sent.
  const said = messageOf(cause).split(/\r?\n/, 1)[0]!;
  return new ChannelError(name, `Channel ${name}: the mail was not taken: ${said}`, {
    cause,
    remedy,
    isLasting,
  });
}
