import { publishingToolsTarget } from '../../sites/publishing-tools.ts';
import { findService, readLifecycle, readStatistics } from '../../sites/services.ts';
import { isRefusal } from '../../sites/site-errors.ts';
import type { Decision, Publishing } from './publishing-context.ts';

// What still tells something where a site shows no job: the target, and whether anything is worked on.

type Input = Publishing & { decision: Decision };

/** How the target stood before the site was told to publish. */
export type TargetState = { isThere: boolean; lastModifiedMs?: number | undefined };

/** True when the target came, went or was changed since. */
export async function hasTargetMoved(
  { site, decision }: Input,
  before: TargetState,
  signal: AbortSignal,
): Promise<boolean> {
  const target = await findService(site, decision.target, { signal });
  if ((target !== undefined) !== before.isThere) return true;
  if (!target) return false;
  const { lastModifiedMs } = await readLifecycle(site, target, { signal });
  return lastModifiedMs !== before.lastModifiedMs;
}

/**
 * Whether the publishing tools work on anything at the moment, be it ours or not; undefined where our
 * account may not see it.
 */
export async function arePublishingToolsBusy(
  { site, decision }: Input,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  try {
    const tools = publishingToolsTarget(decision.tools.name);
    const { summary } = await readStatistics(site, tools, { signal });
    return summary.busy === undefined ? undefined : summary.busy > 0;
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

/** How long a publish may take at most: the site's own limit, and time for the site to notice it. */
export function longestPublishMs({ decision }: Pick<Input, 'decision'>): number {
  return decision.tools.maxUsageTimeSeconds * 1000 + 60_000;
}
