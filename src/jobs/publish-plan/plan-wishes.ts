import { DocumentError, GatewayError, RequestError } from '../../lib/errors.ts';
import type { Site } from '../../sites/sites.ts';
import { uploadIdOf } from '../file-link.ts';
import type { ChildWish } from '../job-children.ts';
import type { JobContext } from '../job-type.ts';
import { digestOf } from '../publish-service-definition/content-key.ts';
import { openPublishing } from '../publish-service-definition/handler.ts';
import type { PlannedState } from '../publish-service-definition/planned-state.ts';
import { NotPublishableError } from '../publish-service-definition/publishing-errors.ts';
import type { PublishServiceDefinitionParams } from '../publish-service-definition/schema.ts';
import { planOne, type ReadOwnSettings, readOwnSettings } from './plan-one.ts';
import type { RefusedPlan, ServicePlan } from './schema.ts';

/** What would become of one child of a parent. */
export type PlannedWish = {
  key: string;
  site: string;
  plan: ServicePlan | RefusedPlan;
  digest: string;
  state: PlannedState;
};

/** A site breaks when it is pushed; reading, it takes a few at a time. */
const atOnce = 6;
const mostTries = 5;
/** One definition on many sites, or under many names, stands side by side. */
const settingsKept = 8;

/**
 * Plans child after child, in order. What a site says of itself as a whole is asked once, and no more is kept than
 * those that are looked at together.
 *
 * @throws CannotPlanError when a site cannot be asked
 */
export async function* planWishes(
  wishes: readonly ChildWish[],
  context: JobContext,
): AsyncGenerator<PlannedWish> {
  const remembered = new Map<string, Site>();
  const get = (name: string) => {
    const site = remembered.get(name) ?? context.sites.get(name).remembering();
    remembered.set(name, site);
    return site;
  };
  const readOwn = onceEach(readOwnSettings);
  for (let at = 0; at < wishes.length; at += atOnce) {
    context.signal.throwIfAborted();
    const some = wishes.slice(at, at + atOnce);
    yield* await Promise.all(
      some.map((wish) => planWish(wish, { ...context, sites: { get } }, readOwn)),
    );
  }
}

async function planWish(
  wish: ChildWish,
  context: JobContext,
  readOwn: ReadOwnSettings,
): Promise<PlannedWish> {
  const site = String(wish.inputs.site);
  const warnings: string[] = [];
  const warn = async (text: string) => {
    if (!warnings.includes(text)) warnings.push(text);
  };
  try {
    const publishing = await openWish(wish, { ...context, warn });
    const { plan, state } = await patiently(
      () => planOne(publishing, context.signal, readOwn),
      context,
    );
    const { digest } = plan;
    return { key: wish.key, site, digest, state, plan: { ...plan, warnings } };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    if (!isOfRequest(error)) throw new CannotPlanError(error, { site, key: wish.key });
    return refuse(wish, { site, error, context });
  }
}

/** Reading a member of a definition takes longer than all the rest. */
function onceEach(read: ReadOwnSettings): ReadOwnSettings {
  const known = new Map<string, ReturnType<ReadOwnSettings>>();
  return async (publishing, signal) => {
    const { sha256 } = publishing.upload;
    const settings = known.get(sha256) ?? read(publishing, signal);
    known.delete(sha256);
    known.set(sha256, settings);
    settings.catch(() => known.delete(sha256));
    const [oldest] = known.keys();
    if (oldest !== undefined && known.size > settingsKept) known.delete(oldest);
    return structuredClone(await settings);
  };
}

/** Judged as it would be when the child is made. */
async function openWish(wish: ChildWish, context: JobContext) {
  if (wish.refusal) throw wish.refusal;
  const params = wish.jobType.parseParams(wish.inputs) as PublishServiceDefinitionParams;
  const upload = await context.uploads.find(uploadIdOf(params.serviceDefinition, []));
  const accepted = wish.jobType.accept(params, {
    uploads: upload ? { serviceDefinition: upload } : {},
  });
  for (const warning of accepted.warnings) await context.warn(warning);
  return openPublishing(params, context);
}

async function refuse(
  wish: ChildWish,
  { site, error, context }: { site: string; error: GatewayError; context: JobContext },
): Promise<PlannedWish> {
  const state: PlannedState = {
    site,
    ...(wish.service !== undefined && { service: wish.service }),
    ...(wish.digest !== undefined && { 'the definition': wish.digest }),
    'what would be done': 'refuse',
    'what stands against it': error.code,
  };
  const digest = digestOf(state);
  await context.ledger.savePlan(digest, state);
  const plan: RefusedPlan = {
    action: 'refuse',
    refusals: [{ code: error.code, detail: error.message }],
    waits: [],
    warnings: [],
    digest,
  };
  return { key: wish.key, site, plan, digest, state };
}

function isOfRequest(error: GatewayError): boolean {
  return (
    error instanceof RequestError ||
    error instanceof DocumentError ||
    error instanceof NotPublishableError
  );
}

/** One answer that did not come is no reason to ask a site all over again about everything. */
async function patiently<T>(
  look: () => Promise<T>,
  { pause, timing }: Pick<JobContext, 'pause' | 'timing'>,
): Promise<T> {
  for (let tries = 1, waitMs = timing.retryMinMs; ; tries += 1, waitMs *= 2) {
    try {
      return await look();
    } catch (error) {
      const mayHelp = error instanceof GatewayError && error.again === 'now';
      if (!mayHelp || tries >= mostTries) throw error;
      await pause(waitMs);
    }
  }
}

/** A plan that leaves out a site would be none. */
export class CannotPlanError extends GatewayError {
  override readonly name = 'CannotPlanError';
  readonly code: GatewayError['code'];

  constructor(cause: GatewayError, { site, key }: { site: string; key: string }) {
    super(`${site} could not be asked about ${key}: ${cause.message} Nothing was changed.`, {
      cause,
      facts: { ...cause.facts, site },
    });
    this.code = cause.code;
  }
}
