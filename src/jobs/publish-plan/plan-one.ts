import { redactDeep } from '../../lib/redact.ts';
import type { JsonObject } from '../../sites/answer-shapes.ts';
import { findFolder, readManifest } from '../../sites/services.ts';
import { borrowUpload } from '../document-inputs.ts';
import { digestOf } from '../publish-service-definition/content-key.ts';
import { describePlanned, type PlannedState } from '../publish-service-definition/planned-state.ts';
import type { LiveService, Publishing } from '../publish-service-definition/publishing-context.ts';
import { namesAndAddresses } from '../publish-service-definition/result.ts';
import { composeSettings } from '../publish-service-definition/service-settings.ts';
import { compareDataSources } from './data-sources.ts';
import { type Judgement, judgeRequest } from './judge-request.ts';
import type { ServicePlan } from './schema.ts';
import { compareLayers, compareSettings } from './service-difference.ts';
import { planTileCache } from './tile-cache.ts';

/** The settings that a definition brings along. */
export type ReadOwnSettings = (publishing: Publishing, signal: AbortSignal) => Promise<JsonObject>;

export type PlanOfOne = { plan: Omit<ServicePlan, 'warnings'>; state: PlannedState };

/** What publishing one definition on one site would do now. The site is only read. */
export async function planOne(
  publishing: Publishing,
  signal: AbortSignal,
  readOwn: ReadOwnSettings = readOwnSettings,
): Promise<PlanOfOne> {
  const judgement = await judgeRequest(publishing, signal);
  const { action, target, decided, picture, refusals, waits } = judgement;
  const restorable = decided?.live?.restorable;
  const state = describePlanned(publishing, {
    action,
    target,
    method: decided?.method,
    restorable,
    refusals: refusals.map(({ code }) => code),
    picture,
  });
  const digest = digestOf(state);
  await publishing.ledger.savePlan(digest, state);
  const plan = {
    action,
    service: namesAndAddresses(publishing.site, target),
    refusals,
    waits,
    makesFolder: action === 'create' && (await lacksFolder(publishing, signal)),
    method: action === 'replace' ? (decided?.method ?? null) : null,
    live: describeLive(decided?.live),
    restorable: restorable ?? ('not-needed' as const),
    referencedData: judgement.referencedData ?? null,
    ...(await compare(publishing, judgement, { signal, readOwn })),
    digest,
  };
  return { plan, state };
}

async function lacksFolder({ site, wanted }: Publishing, signal: AbortSignal): Promise<boolean> {
  return (await findFolder(site, wanted.folder, { signal })) === undefined;
}

function describeLive(live: LiveService | undefined): ServicePlan['live'] {
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
  { signal, readOwn }: { signal: AbortSignal; readOwn: ReadOwnSettings },
): Promise<Pick<ServicePlan, 'difference' | 'kept' | 'changed' | 'tileCache'>> {
  const nothing = { difference: null, kept: [], changed: [], tileCache: null };
  if (!decided || decided.action === 'skip') return nothing;
  const { site, params, definition } = publishing;
  const own = await readOwn(publishing, signal);
  const live = decided.live && picture?.service;
  const { document, kept, changed } = composeSettings(own, target, params, live);
  const masked = redactDeep({ kept, changed }) as Pick<ServicePlan, 'kept' | 'changed'>;
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

export async function readOwnSettings(
  publishing: Publishing,
  signal: AbortSignal,
): Promise<JsonObject> {
  const { upload, documents } = publishing;
  const member = await borrowUpload(upload, publishing, (path) =>
    documents.readMember(path, 'serviceconfiguration.json', { signal }),
  );
  return JSON.parse(member.toString('utf8').replace(/^\uFEFF/, '')) as JsonObject;
}
