/** The demo's story: what happens in Atlas and in the vault, and what Postern makes of it. */

import { poisons } from '../../lab/index.ts';
import * as apply from '../commands/apply.ts';
import * as check from '../commands/check.ts';
import * as explain from '../commands/explain.ts';
import * as history from '../commands/history.ts';
import * as plan from '../commands/plan.ts';
import * as undo from '../commands/undo.ts';
import { leaveRunning } from './daemon.ts';
import { chapter, fact, type Telling, typed, validity } from './telling.ts';

/** New addresses of the control plane, such as those that were missing in many lists on 2025-08-11. */
const newAddresses = ['44.206.200.18/32', '44.207.12.57/32', '3.223.8.181/32'];
/** Two that Atlas lists at the beginning; it will drop both, and really stop using only the first. */
const dropped = ['3.12.113.165/32', '3.17.198.241/32'];

export async function tell(telling: Telling): Promise<void> {
  const { stage } = telling;
  const { atlas, faults } = stage.lab;
  const yes = { yes: true };

  await chapter(telling, stage.sites.map(({ opening }) => opening).join('\n'));
  await typed(telling, 'postern check', () => stage.run(check.run, [], {}));

  await chapter(
    telling,
    'Postern gathers what Atlas lists, plans, writes the list of the key’s cloud and reads it back.',
  );
  await typed(telling, 'postern apply --yes', () => stage.run(apply.run, [], yes));
  await typed(telling, 'postern check', () => stage.run(check.run, [], {}));
  validity(telling);

  await chapter(
    telling,
    'Atlas begins to use new addresses, as on 11 August 2025. The list does not know them yet.',
  );
  atlas.addControlPlane('aws', 'us-east-1', newAddresses);
  validity(telling);
  await typed(telling, 'postern apply --yes', () => stage.run(apply.run, [], yes));
  validity(telling);

  await chapter(telling, 'Atlas drops two addresses from its list. Additions are urgent; removals are not.');
  atlas.removeControlPlane(dropped);
  await typed(telling, 'postern check', () => stage.run(check.run, [], {}));
  fact(telling, 'A day later:');
  telling.passDays(1);
  await typed(telling, 'postern plan', () => stage.run(plan.run, [], {}));

  await chapter(
    telling,
    'A poisoned answer: all of Google Cloud is empty, and 0.0.0.0/0 stands among the addresses.',
  );
  const heal = [
    faults.add({ on: 'atlas', path: 'controlPlane', act: { kind: 'edit', edit: poisons.emptyCloud('gcp') } }),
    faults.add({
      on: 'atlas',
      path: 'controlPlane',
      act: { kind: 'edit', edit: poisons.withAddress('0.0.0.0/0') },
    }),
  ];
  telling.passDays(8);
  await typed(telling, 'postern apply --yes', () => stage.run(apply.run, [], yes));
  for (const end of heal) end();
  fact(
    telling,
    'The grace period is over, and still nothing was removed: such an answer can only add. 0.0.0.0/0 was not opened.',
  );

  await chapter(
    telling,
    'The answers are whole again, so both addresses may go. But Atlas still calls from one of them.',
  );
  atlas.unlisted.add(dropped[0]!);
  await typed(telling, 'postern apply --yes', () => stage.run(apply.run, [], yes));
  fact(
    telling,
    'Atlas said that the key did not work any more, so the removal was put back within the same run.',
  );

  await chapter(
    telling,
    'Later Atlas has really left both addresses. They are in grace again, and go when it is over.',
  );
  atlas.unlisted.clear();
  telling.passDays(1);
  await typed(telling, 'postern check', () => stage.run(check.run, [], {}));
  telling.passDays(8);
  await typed(telling, 'postern apply --yes', () => stage.run(apply.run, [], yes));
  validity(telling);

  await chapter(telling, 'An operator wants one of them back, and then to see what was done.');
  const [site] = stage.sites;
  const gate = stage.sites.length > 1 ? [site!.gate.name] : undefined;
  await typed(telling, `postern undo${gate ? ` --gate ${gate}` : ''} --yes`, () =>
    stage.run(undo.run, [], { ...yes, ...(gate && { gate }) }),
  );
  const [first] = dropped;
  const address = first!.split('/')[0]!;
  await typed(telling, `postern explain ${address}`, () => stage.run(explain.run, [address], {}));
  await typed(telling, 'postern history', () => stage.run(history.run, [], {}));
  const foreign = stage.sites.map(each => each.foreign()).join('; ');
  fact(telling, `What is not Postern's was never touched: ${foreign}`);

  await leaveRunning(telling);
}
