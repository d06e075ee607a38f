import { z } from 'zod';
import { type SettingValue, secretKey, type WantedSetting } from './service-setting.ts';

const count = z.int().min(0).max(1_000);
const seconds = z
  .int()
  .min(0)
  .max(30 * 86_400);
/** Every value in `properties` is text on a site, also where it means a number or a boolean. */
const property = z.union([z.string().max(10_000), z.number(), z.boolean()]);
const capabilities = z
  .array(z.string().regex(/^[A-Za-z0-9_ ]+$/, 'a word such as `Query`'))
  .max(50);

export const ServiceProperties = z
  .record(
    z
      .string()
      .min(1)
      .max(200)
      .refine((key) => !secretKey.test(key), {
        message: 'is not changed here: it may hold a login',
      }),
    property,
  )
  .refine((all) => Object.keys(all).length > 0, { message: 'is empty' });

const Settings = z.strictObject({
  minInstancesPerNode: count.optional(),
  maxInstancesPerNode: count.optional(),
  maxWaitTime: seconds.optional().describe('Seconds that a request waits for an instance'),
  maxStartupTime: seconds.optional().describe('Seconds that an instance may take to start'),
  maxIdleTime: seconds.optional().describe('Seconds after which an idle instance ends'),
  maxUsageTime: seconds.optional().describe('Seconds that one request may take'),
  recycleInterval: z.int().min(0).max(8_760).optional().describe('Hours'),
  recycleStartTime: z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day as `HH:MM`')
    .optional(),
  keepAliveInterval: z.int().min(-1).max(86_400).optional().describe('Seconds; -1: not at all'),
  description: z.string().max(4_000).optional(),
  private: z.boolean().optional().describe('Hidden from the services directory'),
  capabilities: capabilities.optional().describe('All of them, such as `["Map", "Query"]`'),
  properties: ServiceProperties.optional().describe('Merged key by key, such as `maxRecordCount`'),
  extensions: z
    .array(
      z.strictObject({
        typeName: z.string().regex(/^[A-Za-z0-9_]{1,100}$/),
        enabled: z.boolean().optional(),
        capabilities: capabilities.optional(),
        properties: ServiceProperties.optional(),
      }),
    )
    .min(1)
    .max(50)
    .optional()
    .describe('Merged by `typeName`, such as `FeatureServer`'),
});

export const ServiceSettingsChange = Settings.refine((set) => toWanted(set).length > 0, {
  message: 'sets nothing',
})
  .describe('Values that the services shall have; what is not named stays')
  .meta({ id: 'ServiceSettingsChange' });
export type ServiceSettingsChange = z.output<typeof ServiceSettingsChange>;

type Written = z.output<typeof Settings>;

/** Key by key, in the form in which a site keeps them (Esri, "Service JSON"). */
export function toWanted({
  capabilities,
  properties,
  extensions = [],
  ...members
}: Written): WantedSetting[] {
  const wanted: WantedSetting[] = Object.entries(members).flatMap(([key, to]) =>
    to === undefined ? [] : [{ key, to: to as SettingValue }],
  );
  if (capabilities) wanted.push({ key: 'capabilities', to: capabilities.join(',') });
  wanted.push(...toWantedProperties('properties', properties));
  for (const { typeName, ...extension } of extensions) {
    const place = `extensions.${typeName}`;
    if (extension.enabled !== undefined)
      wanted.push({ key: `${place}.enabled`, to: String(extension.enabled) });
    if (extension.capabilities)
      wanted.push({ key: `${place}.capabilities`, to: extension.capabilities.join(',') });
    wanted.push(...toWantedProperties(`${place}.properties`, extension.properties));
  }
  return wanted;
}

function toWantedProperties(
  place: string,
  properties: Record<string, string | number | boolean> = {},
): WantedSetting[] {
  return Object.entries(properties).map(([key, to]) => ({
    key: `${place}.${key}`,
    to: String(to),
  }));
}
