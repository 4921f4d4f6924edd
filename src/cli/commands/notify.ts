/** `postern notify test`: sends each channel of the config a message, and says how that went. */
import { hostname } from 'node:os';
import { resolveSecret, systemFiles } from '../../config/index.ts';
import { eventNotice } from '../../notify/alerts.ts';
import { openChannel } from '../../notify/channels/index.ts';
import type { Situation } from '../../notify/situation.ts';
import { createTransport, useProxyFromEnvironment } from '../../transport/index.ts';
import type { CommandAction } from '../context.ts';
import { reportError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { UsageError } from '../failures.ts';
import { printFindings } from '../findings.ts';
import { printErrors } from '../print-errors.ts';

/** As severe as can be, so that it goes the way that an outage would go. */
const test: Situation = {
  key: 'test',
  id: 'test',
  severity: 'error',
  message: 'This is a test of Postern’s messages; nothing is wrong.',
  addresses: [],
  did: 'It was asked to with `postern notify test`.',
  remedy: 'Nothing. If this came where it should, the channel works.',
};

export const run: CommandAction<{ readonly channel?: readonly string[] }> = async (
  { loadConfig, output, env, clock },
  [what],
  options,
) => {
  if (what !== 'test') throw new UsageError(`Nothing is known of ${what}.`, 'Run: postern notify test');
  const { notify } = loadConfig();
  const names = notify.map(({ name }) => name);
  const unknown = options.channel?.find(name => !names.includes(name));
  if (notify.length === 0) {
    throw new UsageError(
      'The config names no channel.',
      'Add one under `notify`; see docs/notifications.md.',
    );
  }
  if (unknown !== undefined) {
    throw new UsageError(`There is no channel ${unknown}.`, `The config names: ${names.join(', ')}.`);
  }
  const warning = useProxyFromEnvironment(env);
  if (warning !== undefined) output.warn(warning);
  const transport = createTransport({ clock, random: Math.random, mode: 'read-write', maxRetries: 1 });
  const notice = eventNotice(test, clock.now());
  const results = await Promise.all(
    notify
      .filter(({ name }) => options.channel?.includes(name) ?? true)
      .map(async config => {
        const step = output.step(`sending to ${config.name}`);
        try {
          const channel = openChannel(config, {
            transport,
            clock,
            source: hostname(),
            secretOf: reference => {
              const { secret, findings } = resolveSecret(reference, env, systemFiles);
              printFindings(output, findings);
              return secret;
            },
          });
          await channel.send(notice);
          step.done(`${config.name}: taken (${config.kind})`);
          return { channel: config.name, taken: true as const };
        } catch (error) {
          step.fail(`${config.name}: not taken (${config.kind})`);
          return { channel: config.name, taken: false as const, report: reportError(error) };
        }
      }),
  );
  if (output.isJson) {
    output.json({
      channels: results.map(({ channel, taken, ...rest }) => ({
        channel,
        taken,
        ...('report' in rest && { message: rest.report.message, remedy: rest.report.remedy }),
      })),
    });
  }
  const failures = results.flatMap(result =>
    result.taken ? [] : [{ gate: result.channel, report: result.report }],
  );
  printErrors(output, failures);
  return failures.length > 0 ? exitCodes.failed : exitCodes.ok;
};
