import { z } from 'zod';
import { GatewayError } from '../../lib/errors.ts';
import { exportImage } from '../../sites/rest-services.ts';
import { type ServiceTarget, toText } from '../../sites/service-target.ts';
import { readService } from '../../sites/services.ts';
import { isRefusal } from '../../sites/site-errors.ts';
import type { Site } from '../../sites/sites.ts';
import { portalItemIdsOf } from '../publish-service-definition/live-service.ts';
import { startupMs, stateInWords, untilState } from '../service-change.ts';
import { ServiceNotAsWantedError } from '../service-errors.ts';
import { isStarted } from '../service-selection.ts';
import { defineStep, type StepContext } from '../step.ts';

const Verified = z.object({ portalItemIds: z.array(z.string()) });
type Verified = z.output<typeof Verified>;

type Input = { site: Site; target: ServiceTarget };

/** Whether somebody can use it: it runs, and draws a small picture. */
export const verifyImage = defineStep<Input, Verified>({
  name: 'verify',
  title: 'Looking at the service',
  share: [70, 95],
  result: Verified,
  look: async () => undefined,
  act: async ({ site, target }, context) => {
    const one = { site, target, continues: false, isKept: () => false };
    const patienceMs = await startupMs(one, context.signal);
    const now = await untilState(one, context, { patienceMs, isSo: isStarted });
    if (!now || !isStarted(now.realTimeState)) {
      throw notUsable(site, target, `does not run: ${stateInWords(now)}`, {
        maxStartupTimeSeconds: Math.round(patienceMs / 1000),
      });
    }
    await untilDrawn({ site, target }, context);
    return { portalItemIds: portalItemIdsOf(await readService(site, target, context)) };
  },
});

/** The services directory may lag some seconds behind a creation. */
async function untilDrawn({ site, target }: Input, context: StepContext): Promise<void> {
  const { pollMinMs, pollMaxMs, listedWithinMs } = context.timing;
  const untilMs = Date.now() + listedWithinMs;
  for (let waitMs = pollMinMs; ; waitMs = Math.min(waitMs * 1.5, pollMaxMs)) {
    try {
      await exportImage(site, target, context);
      return;
    } catch (error) {
      if (!(error instanceof GatewayError) || error.again !== 'never') throw error;
      if (!isRefusal(error) || Date.now() + waitMs > untilMs)
        throw notUsable(site, target, `runs, but draws nothing: ${error.message}`, error.facts);
    }
    await context.pause(waitMs);
  }
}

function notUsable(
  site: Site,
  target: ServiceTarget,
  how: string,
  facts: Record<string, unknown>,
): ServiceNotAsWantedError {
  return new ServiceNotAsWantedError(`${toText(target)} was created on ${site.name} and ${how}.`, {
    facts: { ...facts, site: site.name, service: toText(target) },
  });
}
