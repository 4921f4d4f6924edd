import { openPostgresJournal } from '../../src/journal/postgres/open.ts';
import { Secret } from '../../src/secret.ts';
import { usePostgres } from '../postgres/server.ts';
import { specifyJournal } from './specification.ts';

const server = usePostgres();
let url: string | undefined;

specifyJournal('PostgreSQL', async () => {
  url ??= await server.createDatabase();
  const database = url;
  await server.query(database, 'drop schema if exists postern cascade');
  return {
    open: () => openPostgresJournal({ url: new Secret(database, 'env:POSTERN_DATABASE_URL') }),
    // The leases are measured by the database's clock: an earlier end is the same as a later now.
    passTime: async ms => {
      await server.query(database, 'update postern.gate_lock set lease_until_ms = lease_until_ms - $1', [ms]);
    },
    pollMinutes: 180,
  };
});
