import { z } from 'zod';
import { redactDeep } from '../../lib/redact.ts';
import { readServiceConfiguration } from '../../sites/upload-items.ts';
import { defineStep } from '../step.ts';
import type { Decision, Publishing } from './publishing-context.ts';
import { ChangedSetting } from './schema.ts';
import { composeSettings, type ServiceSettings } from './service-settings.ts';
import { findSnapshot } from './snapshot.ts';
import type { KnownUploadItem } from './upload-definition.ts';

export const ConfiguredSettings = z.object({
  kept: z.array(z.object({ key: z.string(), value: z.unknown() })),
  changed: z.array(ChangedSetting),
  /** State the service shall have, and how long it may take to get there. */
  configuredState: z.string(),
  maxStartupSeconds: z.number(),
  capabilities: z.array(z.string()),
});
export type ConfiguredSettings = z.output<typeof ConfiguredSettings>;

type Input = Publishing & { decision: Decision; uploadItem: KnownUploadItem };

/**
 * Decides on every setting of the service. Nothing is changed yet. The document itself may hold
 * connection strings, so only what differs is recorded, masked; it is composed again when it is sent.
 */
export const configureService = defineStep({
  name: 'configure',
  title: 'Composing the settings of the service',
  share: [40, 44],
  isReading: true,
  result: ConfiguredSettings,
  act: async (input: Input, { signal, log }) => {
    const { document, kept, changed } = await composeFor(input, input.uploadItem, signal);
    for (const { key } of kept) await log.info(`Kept from the live service: ${key}`);
    const service = document.service as Record<string, unknown>;
    return {
      kept: redactDeep(kept) as ConfiguredSettings['kept'],
      changed: redactDeep(changed) as ConfiguredSettings['changed'],
      configuredState: String(service.configuredState ?? 'STARTED').toUpperCase(),
      maxStartupSeconds: Number(service.maxStartupTime) || 300,
      capabilities: capabilitiesOf(service),
    };
  },
});

/** A comma list in the service JSON (Esri, "Service JSON"). */
export function capabilitiesOf({ capabilities }: Record<string, unknown>): string[] {
  return String(capabilities ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);
}

/** The same document each time: definition, snapshot and parameters do not change while a job lives. */
export async function composeFor(
  publishing: Publishing & { decision: Decision },
  item: KnownUploadItem,
  signal: AbortSignal,
): Promise<ServiceSettings> {
  const { composed } = publishing;
  const known = composed.get(item.itemId);
  if (known) return known;
  const settings = await compose(publishing, item, signal);
  composed.set(item.itemId, settings);
  return settings;
}

async function compose(
  { site, decision, params, storage, jobId }: Publishing & { decision: Decision },
  item: KnownUploadItem,
  signal: AbortSignal,
): Promise<ServiceSettings> {
  const document = await readServiceConfiguration(site, item.itemId, { signal });
  const snapshot = decision.action === 'replace' ? await findSnapshot(storage, jobId) : undefined;
  return composeSettings(document, decision.target, params, snapshot?.service);
}
