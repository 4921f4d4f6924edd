/** Kysely over Node's own SQLite: what its dialect wants of a driver, made of `node:sqlite`. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { type SqliteDatabase, SqliteDialect } from 'kysely';

type Statement = ReturnType<SqliteDatabase['prepare']>;

/** More than the journal has different statements; what is not asked for any more makes room. */
const keptStatements = 100;

export function nodeSqliteDialect(database: DatabaseSync): SqliteDialect {
  const kept = new Map<string, Statement>();
  return new SqliteDialect({
    database: {
      close: () => database.close(),
      // To prepare one takes longer than most take to run.
      prepare: sql => {
        const statement = kept.get(sql) ?? prepare(database, sql);
        kept.delete(sql);
        kept.set(sql, statement);
        if (kept.size > keptStatements) kept.delete(kept.keys().next().value!);
        return statement;
      },
    },
  });
}

function prepare(database: DatabaseSync, sql: string): Statement {
  const statement = database.prepare(sql);
  const values = (parameters: readonly unknown[]) => parameters as SQLInputValue[];
  return {
    reader: statement.columns().length > 0,
    all: parameters => statement.all(...values(parameters)),
    run: parameters => statement.run(...values(parameters)),
    // One of its own: rows of this one are still to come when the next is asked for.
    iterate: parameters => database.prepare(sql).iterate(...values(parameters)),
  };
}
