/** What PostgreSQL's and the network's errors mean for the journal, and what to do about each. */
import { redactSecrets } from '../../secret.ts';
import { JournalError } from '../errors.ts';

interface Fault {
  /** SQLSTATEs, or how they begin: PostgreSQL manual, appendix A; or system codes. */
  readonly codes: readonly string[];
  /** What the message of an error without a code says. */
  readonly says?: RegExp;
  readonly remedy: string;
}

const faults: readonly Fault[] = [
  { codes: ['28P01'], remedy: 'Check the user and the password in POSTERN_DATABASE_URL.' },
  {
    codes: ['28'],
    remedy:
      'The server does not take this user from here: see its pg_hba.conf. Where it says `no encryption`, add ?sslmode=verify-full to the URL.',
  },
  {
    codes: ['3D000'],
    remedy: 'Make the database first, owned by the user that Postern connects as: CREATE DATABASE …',
  },
  {
    codes: ['42501', '3F000'],
    remedy:
      'Give the user the rights it needs (docs/fleet.md), or have an administrator make the schemas `postern` and `postern_jobs` with this user as their owner.',
  },
  {
    codes: ['25006'],
    remedy: 'This server is a read-only standby: have the URL lead to the primary.',
  },
  { codes: ['53100'], remedy: "Make room on the database server's disk, then run again." },
  {
    codes: ['53300'],
    remedy:
      'The server has no connection left: raise max_connections, or run fewer workers (each needs up to 10).',
  },
  {
    codes: ['57014', '55P03', '25P03', '40P01', '40001'],
    remedy:
      'The database was too slow, or another session held on to what was needed; see pg_stat_activity for sessions that stand still.',
  },
  {
    codes: ['ENOTFOUND', 'EAI_AGAIN'],
    remedy: 'Check the host name in POSTERN_DATABASE_URL, and DNS.',
  },
  {
    codes: ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EPIPE', 'ECONNRESET', '57P', '08'],
    says: /Connection terminated|timeout exceeded when trying to connect|Query read timeout/,
    remedy: 'Check that the database runs and can be reached from here; Postern tries again by itself.',
  },
  {
    codes: ['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    says: /certificate|SSL|TLS/i,
    remedy:
      'Name the authority that signed its certificate with ?sslmode=verify-full&sslrootcert=PATH; where the server has no TLS, and the network is trusted, ?sslmode=disable.',
  },
];

/** @param what such as `cannot be opened` */
export function explainPostgres(location: string, what: string, error: unknown): JournalError {
  if (error instanceof JournalError) return error;
  const message = messageOf(error);
  const code = codeOf(error);
  const fault = faults.find(
    ({ codes, says }) =>
      codes.some(each => code.startsWith(each)) || (code === '' && says?.test(message) === true),
  );
  return new JournalError(
    redactSecrets(`The journal ${location} ${what}: ${message}`),
    error instanceof SyntaxError
      ? 'A list in it cannot be read: someone else wrote to it. Restore it from a backup.'
      : (fault?.remedy ?? 'This was not foreseen: report it, with what `because` says.'),
    error,
  );
}

/** The connection was lost, or there was none to be had: another may do. */
export function isConnectionFault(error: unknown): boolean {
  const code = codeOf(error);
  return (
    /^(08|57P0[123]|ECONN|EPIPE|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EAI_AGAIN)/.test(code) ||
    (code === '' && /Connection terminated|Client has encountered a connection error/.test(messageOf(error)))
  );
}

/** The database undid the transaction so that others could go on; it can be done again. */
export function isContention(error: unknown): boolean {
  return ['40001', '40P01'].includes(codeOf(error));
}

/** A connection that no address of a host took is several errors in one. */
function first(error: unknown): unknown {
  return error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
}

function codeOf(error: unknown): string {
  const code = (first(error) as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

function messageOf(error: unknown): string {
  const one = first(error);
  return one instanceof Error ? one.message : String(one);
}
