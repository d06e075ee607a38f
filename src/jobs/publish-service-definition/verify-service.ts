import { z } from 'zod';
import { GatewayError } from '../../lib/errors.ts';
import { clearRestCache } from '../../sites/rest-services.ts';
import { type ServiceTarget, toText } from '../../sites/service-target.ts';
import {
  findService,
  findServiceAnywhere,
  findServiceIn,
  readLifecycle,
  readService,
  readServiceStatus,
} from '../../sites/services.ts';
import { isRefusal } from '../../sites/site-errors.ts';
import { defineStep, type StepContext } from '../step.ts';
import { inShort } from './acceptance.ts';
import type { SiteJobOutcome } from './await-site-job.ts';
import type { ConfiguredSettings } from './configure-service.ts';
import { portalItemIdsOf } from './live-service.ts';
import type { Decision, Publishing } from './publishing-context.ts';
import { NotVisibleYetError, VerificationFailedError } from './publishing-errors.ts';
import { lookAtData, type SeenService } from './service-data.ts';
import { digestOfSettings } from './snapshot.ts';

const NamedLayer = z.object({ id: z.number(), name: z.string() });

export const VerifiedService = z.object({
  target: z.object({ folder: z.string(), serviceName: z.string(), type: z.string() }),
  verification: z.enum(['listed', 'started', 'data', 'unproven']),
  layers: z.array(NamedLayer),
  tables: z.array(NamedLayer),
  portalItemIds: z.array(z.string()),
  lastModifiedMs: z.number().optional(),
  settingsDigest: z.string().optional(),
  configuredState: z.string().optional(),
});
export type VerifiedService = z.output<typeof VerifiedService>;

type Input = Publishing & {
  decision: Decision;
  outcome: SiteJobOutcome;
  settings: ConfiguredSettings;
};

/** Looks for itself whether somebody can use the service, whatever the site job said. */
export const verifyService = defineStep({
  name: 'verify',
  title: 'Looking at the service',
  share: [80, 96],
  isReading: true,
  result: VerifiedService,
  act: verify,
});

async function verify(input: Input, context: StepContext): Promise<VerifiedService> {
  const { site, params, settings } = input;
  const { signal } = context;
  const target = await untilListed(input, context);
  const isStopped = settings.configuredState === 'STOPPED';
  if (params.verify !== 'listed')
    await untilInState(input, target, isStopped ? 'STOPPED' : 'STARTED', context);
  const proof = await proveChange(input, target, context);
  const looksAtData = params.verify === 'data' && !isStopped;
  const seen = looksAtData ? await untilDataAnswer(input, target, context) : nothingSeen;
  if (params.verify === 'data' && isStopped)
    await input.warn('A stopped service answers nobody: its data were not looked at.');
  const service = await readService(site, target, { signal });
  const portalItemIds = portalItemIdsOf(service);
  if (input.decision.isFederated && portalItemIds.length === 0) {
    await input.warn(
      `The service works but has no item in the portal of ${site.name}: it may be read-only, or the account may lack content rights.`,
    );
  }
  const reached = looksAtData ? 'data' : params.verify === 'listed' ? 'listed' : 'started';
  return {
    target,
    verification: proof === 'unproven' ? 'unproven' : reached,
    layers: seen.layers,
    tables: seen.tables,
    portalItemIds,
    settingsDigest: digestOfSettings(service),
    configuredState: settings.configuredState,
    ...(await readLifecycle(site, target, { signal })),
  };
}

const nothingSeen: SeenService = { layers: [], tables: [] };

async function untilListed(input: Input, context: StepContext): Promise<ServiceTarget> {
  const { site, decision } = input;
  const patienceMs = context.timing.listedWithinMs;
  const find = decision.hasFolder ? findServiceIn : findService;
  const found = await until(context, patienceMs, () =>
    find(site, decision.target, { signal: context.signal }),
  );
  if (found) return found;
  const { folder: _, ...name } = decision.target;
  const elsewhere = await findServiceAnywhere(site, name, { signal: context.signal });
  const foundIn = elsewhere.map(toText);
  const where =
    foundIn.length > 0
      ? `A service of that name was found as ${inShort(foundIn)}.`
      : 'A service of that name was found nowhere.';
  const said =
    input.outcome.kind === 'succeeded'
      ? 'reported success'
      : 'no longer tells how publishing ended';
  const error = input.outcome.kind === 'succeeded' ? VerificationFailedError : UnseenOutcomeError;
  throw new error(`${site.name} ${said}, but ${toText(decision.target)} is not there. ${where}`, {
    facts: {
      site: site.name,
      service: toText(decision.target),
      foundIn,
      siteJobId: input.outcome.siteJobId,
    },
  });
}

async function untilInState(
  input: Input,
  target: ServiceTarget,
  wanted: 'STARTED' | 'STOPPED',
  context: StepContext,
): Promise<void> {
  const { site, settings } = input;
  let last = '';
  const patienceMs = settings.maxStartupSeconds * 1000;
  const reached = await until(context, patienceMs, async () => {
    const { configuredState, realTimeState } = await readServiceStatus(site, target, {
      signal: context.signal,
    });
    last = `configured ${configuredState}, real ${realTimeState}`;
    return realTimeState.toUpperCase() === wanted || undefined;
  });
  if (reached) return;
  throw new VerificationFailedError(
    `${toText(target)} is published but did not come to ${wanted} within ${settings.maxStartupSeconds} s; its state is ${last}.`,
    {
      facts: {
        site: site.name,
        service: toText(target),
        maxStartupTimeSeconds: settings.maxStartupSeconds,
      },
    },
  );
}

/**
 * Something replaced must look replaced: changed later than before, or with other settings. The same
 * definition again may leave no trace; that is said, not taken for a fault.
 */
async function proveChange(
  input: Input,
  target: ServiceTarget,
  context: StepContext,
): Promise<'proven' | 'unproven'> {
  const { site, decision } = input;
  const { live } = decision;
  if (!live) return 'proven';
  const service = await readService(site, target, { signal: context.signal });
  const { lastModifiedMs } = await readLifecycle(site, target, { signal: context.signal });
  const isNewer =
    lastModifiedMs !== undefined &&
    live.lastModifiedMs !== undefined &&
    lastModifiedMs > live.lastModifiedMs;
  if (isNewer || digestOfSettings(service) !== live.settingsDigest) return 'proven';
  if (live.isSameDefinition) return 'unproven';
  if (lastModifiedMs === undefined) {
    await input.warn(
      'The site does not tell when a service was changed: that this is the new one could not be proved.',
    );
    return 'unproven';
  }
  const isUnseen = input.outcome.kind === 'unseen';
  const said = isUnseen ? 'no longer tells how publishing ended' : 'reported success';
  const error = isUnseen ? UnseenOutcomeError : VerificationFailedError;
  throw new error(
    `${site.name} ${said}, but ${toText(target)} is still the one of before: last changed ${new Date(lastModifiedMs).toISOString()}, with the same settings.`,
    {
      facts: {
        site: site.name,
        service: toText(target),
        before: { lastModifiedMs: live.lastModifiedMs, settings: live.settingsDigest },
        after: { lastModifiedMs, settings: digestOfSettings(service) },
      },
    },
  );
}

/** A service that has just started may still refuse: it is given its start-up time. */
async function untilDataAnswer(
  input: Input,
  target: ServiceTarget,
  context: StepContext,
): Promise<SeenService> {
  let last: GatewayError | undefined;
  let isCacheCleared = false;
  const patienceMs = Math.min(
    input.settings.maxStartupSeconds * 1000,
    context.timing.listedWithinMs,
  );
  const seen = await until(context, patienceMs, async () => {
    try {
      return await lookAtData(input, target, context.signal);
    } catch (error) {
      if (!(error instanceof NotVisibleYetError) && !isRefusal(error)) throw error;
      last = error;
      if (!isCacheCleared) isCacheCleared = await clearedCache(input, context);
      return undefined;
    }
  });
  if (seen) return seen;
  throw new VerificationFailedError(last?.message ?? `${toText(target)} does not answer.`, {
    ...(last && {
      cause: last,
      facts: { ...last.facts, site: input.site.name, service: toText(target) },
    }),
  });
}

/** The services directory may still show the state of before (Esri, "REST handler cache"). Not all accounts may. */
async function clearedCache({ site }: Input, { signal, log }: StepContext): Promise<true> {
  try {
    await clearRestCache(site, { signal });
    await log.info('Cleared the cache of the services directory.');
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
  }
  return true;
}

/** Looks again and again, with growing pauses; undefined when the patience is at its end. */
export async function until<T>(
  context: Pick<StepContext, 'timing' | 'pause'>,
  patienceMs: number,
  look: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const untilMs = Date.now() + patienceMs;
  const { pollMinMs, pollMaxMs } = context.timing;
  for (let waitMs = pollMinMs; ; waitMs = Math.min(waitMs * 1.5, pollMaxMs)) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() + waitMs > untilMs) return undefined;
    await context.pause(waitMs);
  }
}

/** Nobody knows how the site job ended, and the service is not there. */
class UnseenOutcomeError extends GatewayError {
  override readonly name = 'UnseenOutcomeError';
  readonly code = 'outcome_unknown';
}
