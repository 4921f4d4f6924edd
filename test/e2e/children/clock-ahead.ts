/**
 * Loaded before the built command (`node --import`): its wall clock is ahead by POSTERN_TEST_AHEAD_MS, so that
 * grace periods pass between two processes without anybody waiting. Timers keep real time.
 */
const aheadMs = Number(process.env.POSTERN_TEST_AHEAD_MS);
const RealDate = Date;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, self) =>
    Reflect.construct(target, args.length === 0 ? [RealDate.now() + aheadMs] : args, self),
  apply: () => new RealDate(RealDate.now() + aheadMs).toString(),
  get: (target, name) => (name === 'now' ? () => RealDate.now() + aheadMs : Reflect.get(target, name)),
});
