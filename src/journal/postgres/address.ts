/** Where a PostgreSQL journal is: its URL, which is a secret, and what may be shown of it. */
import type { PoolConfig } from 'pg';
import { rememberSecret, type Secret } from '../../secret.ts';
import { JournalError } from '../errors.ts';

/** Postern's own schema; pg-boss has another. */
export const journalSchema = 'postern';

/** One connection is in use for one transaction of one gate; a worker does not need more. */
const maxConnections = 5;
const connectTimeoutMs = 5_000;
const idleTimeoutMs = 30_000;
/** On the server. Statements take milliseconds; waiting for another's transaction counts. */
const statementTimeoutMs = 15_000;
/** Ends the transaction of a worker that stands still, so that others need not wait for it. */
const idleTransactionTimeoutMs = 10_000;
/** On this side, for a server that does not answer any more. */
const queryTimeoutMs = 20_000;

/** What every session sets, whatever the server's and the role's own settings are. */
const sessionSettings: Readonly<Record<string, string>> = {
  search_path: journalSchema,
  statement_timeout: `${statementTimeoutMs}`,
  idle_in_transaction_session_timeout: `${idleTransactionTimeoutMs}`,
  // A commit that returns is on the disk, and on that of a synchronous standby.
  synchronous_commit: 'on',
};

export interface DatabaseAddress {
  /** Such as `postgresql://db.example:5432/postern`. */
  readonly location: string;
  readonly pool: PoolConfig;
  /** The URL as it was given, for pg-boss. */
  readonly url: string;
}

/** @throws JournalError when it is no URL of a PostgreSQL database; the URL is not shown */
export function parseDatabaseUrl(secret: Secret): DatabaseAddress {
  const given = secret.reveal();
  const url = URL.parse(given);
  if (!url || !['postgres:', 'postgresql:'].includes(url.protocol) || !hasDatabase(url)) {
    throw new JournalError(
      `The database (${secret.reference}) is not given by a URL that Postern can read; it is not shown.`,
      'Write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with %-escapes for what is special in the password.',
    );
  }
  for (const part of [url.password, decode(url.password)]) rememberSecret(part);
  const own = url.searchParams.get('options');
  const settings = Object.entries(sessionSettings).map(([name, value]) => `-c ${name}=${value}`);
  // Later settings win, so an operator's own options stay, save for those that promises rest on.
  url.searchParams.set('options', [...(own ? [own] : []), ...settings].join(' '));
  return {
    location: `postgresql://${url.hostname || 'localhost'}:${url.port || 5432}${url.pathname}`,
    url: given,
    pool: {
      connectionString: url.href,
      application_name: 'postern',
      max: maxConnections,
      connectionTimeoutMillis: connectTimeoutMs,
      idleTimeoutMillis: idleTimeoutMs,
      // A process that has ended its work does not stay for connections that nobody uses.
      allowExitOnIdle: true,
      query_timeout: queryTimeoutMs,
      keepAlive: true,
    },
  };
}

/** Whether two URLs differ in nothing but who asks: the user and the password. */
export function isSameDatabase(one: Secret, other: Secret): boolean {
  const [a, b] = [one, other].map(secret => {
    const url = URL.parse(secret.reveal());
    if (url) [url.username, url.password] = ['', ''];
    return url?.href;
  });
  return a !== undefined && a === b;
}

/** One with an `@`, or a `#` after it, is what a `/`, `?` or `#` that is not escaped leaves of a password. */
function hasDatabase({ pathname, hash }: URL): boolean {
  return /^\/[^/@]+$/.test(pathname) && hash === '';
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
