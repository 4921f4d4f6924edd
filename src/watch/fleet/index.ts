export { budgetedTransport, openRateBudgets, type RateBudgets } from './budget.ts';
export { keptRateBudgets } from './budget-keeper.ts';
export { createFleet, type Fleet, type FleetEvent, type FleetOptions } from './fleet.ts';
