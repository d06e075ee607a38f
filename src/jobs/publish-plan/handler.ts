import { redactDeep } from '../../lib/redact.ts';
import type { JsonObject } from '../../sites/answer-shapes.ts';
import { findFolder, readManifest } from '../../sites/services.ts';
import { borrowUpload } from '../document-inputs.ts';
import type { JobContext } from '../job-type.ts';
import { digestOf } from '../publish-service-definition/content-key.ts';
import { openPublishing } from '../publish-service-definition/handler.ts';
import { describePlanned } from '../publish-service-definition/planned-state.ts';
import type { LiveService, Publishing } from '../publish-service-definition/publishing-context.ts';
import { namesAndAddresses } from '../publish-service-definition/result.ts';
import { composeSettings } from '../publish-service-definition/service-settings.ts';
import { defineStep } from '../step.ts';
import { compareDataSources } from './data-sources.ts';
import { type Judgement, judgeRequest } from './judge-request.ts';
import { type PublishPlanParams, PublishPlanResult } from './schema.ts';
import { compareLayers, compareSettings } from './service-difference.ts';
import { planTileCache } from './tile-cache.ts';

/** Reads only: nothing is taken up again, and there is nothing to put back. */
export async function publishPlan(
  params: PublishPlanParams,
  context: JobContext,
): Promise<PublishPlanResult> {
  const publishing = await openPublishing(params, context);
  const plan = await context.step(look, publishing);
  return { ...plan, warnings: context.warnings() };
}

const look = defineStep<Publishing, PublishPlanResult>({
  name: 'plan',
  title: 'Looking at the site and the definition',
  share: [0, 99],
  result: PublishPlanResult,
  act: async (publishing, { signal }) => {
    const judgement = await judgeRequest(publishing, signal);
    const { action, target, decided, picture, refusals, waits } = judgement;
    const restorable = decided?.live?.restorable;
    const planned = describePlanned(publishing, {
      action,
      target,
      method: decided?.method,
      restorable,
      refusals: refusals.map(({ code }) => code),
      picture,
    });
    const digest = digestOf(planned);
    await publishing.ledger.savePlan(digest, planned);
    return {
      action,
      service: namesAndAddresses(publishing.site, target),
      refusals,
      waits,
      makesFolder: action === 'create' && (await lacksFolder(publishing, signal)),
      method: action === 'replace' ? (decided?.method ?? null) : null,
      live: describeLive(decided?.live),
      restorable: restorable ?? 'not-needed',
      referencedData: judgement.referencedData ?? null,
      ...(await compare(publishing, judgement, signal)),
      warnings: [],
      digest,
    };
  },
});

async function lacksFolder({ site, wanted }: Publishing, signal: AbortSignal): Promise<boolean> {
  return (await findFolder(site, wanted.folder, { signal })) === undefined;
}

function describeLive(live: LiveService | undefined): PublishPlanResult['live'] {
  if (!live) return null;
  const { configuredState, realTimeState, lastModifiedMs, layers, portalItemIds } = live;
  return {
    configuredState,
    realTimeState,
    lastModified: lastModifiedMs === undefined ? null : new Date(lastModifiedMs).toISOString(),
    layers,
    portalItemIds,
    version: live.madeByVersion ?? null,
  };
}

/** The settings are composed as they would be to be sent, from the definition's own file of them. */
async function compare(
  publishing: Publishing,
  { decided, target, picture }: Judgement,
  signal: AbortSignal,
): Promise<Pick<PublishPlanResult, 'difference' | 'kept' | 'changed' | 'tileCache'>> {
  const nothing = { difference: null, kept: [], changed: [], tileCache: null };
  if (!decided || decided.action === 'skip') return nothing;
  const { site, params, definition } = publishing;
  const own = await readOwnSettings(publishing, signal);
  const live = decided.live && picture?.service;
  const { document, kept, changed } = composeSettings(own, target, params, live);
  const masked = redactDeep({ kept, changed }) as Pick<PublishPlanResult, 'kept' | 'changed'>;
  if (!live || !decided.live) return { ...nothing, ...masked };
  const planned = document.service as JsonObject;
  const isSeen = decided.live.layers.length > 0 && definition.layersFrom !== 'nothing';
  return {
    ...masked,
    difference: {
      ...compareSettings(planned, live),
      layers: isSeen
        ? compareLayers([...definition.layers, ...definition.tables], decided.live.layers)
        : null,
      dataSources: compareDataSources(definition, await readManifest(site, target, { signal })),
    },
    tileCache: planTileCache(planned, live, definition.keepsMapCache),
  };
}

async function readOwnSettings(publishing: Publishing, signal: AbortSignal): Promise<JsonObject> {
  const { upload, documents } = publishing;
  const member = await borrowUpload(upload, publishing, (path) =>
    documents.readMember(path, 'serviceconfiguration.json', { signal }),
  );
  return JSON.parse(member.toString('utf8').replace(/^\uFEFF/, '')) as JsonObject;
}
