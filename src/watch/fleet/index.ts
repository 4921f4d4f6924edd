export { budgetedTransport, openRateBudgets, type RateBudgets } from './budget.ts';
export { createFleet, type Fleet, type FleetEvent, type FleetOptions } from './fleet.ts';
