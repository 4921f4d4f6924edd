import type { Cidr } from '../../src/address/cidr.ts';
import { applyGate } from '../../src/reconcile/apply.ts';
import type { World } from './world.ts';

/** Lets in what Atlas lists, and has it list only these for long enough that the next run may take out the rest. */
export async function ripenAllBut(world: World, listed: readonly Cidr[]): Promise<void> {
  await applyGate(await world.run());
  world.listed = listed;
  world.passDays(1);
  await applyGate(await world.run());
  world.passDays(7);
}
