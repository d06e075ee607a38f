import { z } from 'zod';
import { redactDeep } from '../lib/redact.ts';
import type { JsonObject } from '../sites/answer-shapes.ts';

/** Places and logins of data are not settings: they are changed where they are registered or published. */
export const secretKey = /password|secret|token|connectionstring/i;

/** One value of a service: `maxInstancesPerNode`, `properties.maxRecordCount`, `extensions.KmlServer.enabled`. */
export const SettingKey = z
  .string()
  .max(320)
  .regex(
    /^(?:[A-Za-z]+|properties\..+|extensions\.[A-Za-z0-9_]+\.(?:enabled|capabilities|properties\..+))$/,
    'a key such as `maxInstancesPerNode` or `properties.maxRecordCount`',
  )
  .refine((key) => !secretKey.test(key) && !/^(?:serviceName|type)$/.test(key), {
    message: 'is not changed here',
  });
/** As the site keeps it; null: it has none. */
export const SettingValue = z.union([z.string().max(10_000), z.number(), z.boolean(), z.null()]);
export type SettingValue = z.output<typeof SettingValue>;

/** @param onlyIf the value that it must have now; another one is somebody else's and stays */
export type WantedSetting = { key: string; to: SettingValue; onlyIf?: SettingValue };

/** Where a value lies in the service JSON. */
type Address = { member: string } | { property: string } | { typeName: string; member: string };

function addressOf(key: string): Address {
  const [first = '', typeName = '', ...rest] = key.split('.');
  if (first === 'properties') return { property: key.slice('properties.'.length) };
  if (first === 'extensions') return { typeName, member: rest.join('.') };
  return { member: key };
}

const inProperties = 'properties.';

export function readSetting(json: JsonObject, key: string): SettingValue {
  const address = addressOf(key);
  if ('property' in address) return toValue(asObject(json.properties)[address.property]);
  if (!('typeName' in address)) return toValue(json[address.member]);
  const extension = asList(json.extensions).find((each) => isOfType(each, address.typeName));
  if (!extension) return null;
  return address.member.startsWith(inProperties)
    ? toValue(asObject(extension.properties)[address.member.slice(inProperties.length)])
    : toValue(extension[address.member]);
}

/** @returns a copy of the whole document with the value in it; null takes it away */
export function withSetting(json: JsonObject, key: string, value: SettingValue): JsonObject {
  const address = addressOf(key);
  if ('property' in address) {
    return { ...json, properties: withMember(asObject(json.properties), address.property, value) };
  }
  if (!('typeName' in address)) return withMember(json, address.member, value);
  const list = asList(json.extensions);
  const known = list.find((each) => isOfType(each, address.typeName));
  const extension = known ?? {
    typeName: address.typeName,
    enabled: 'false',
    capabilities: '',
    properties: {},
  };
  const others = list.filter((each) => each !== known);
  // An extension that was not there before goes as a whole.
  if (value === null && address.member === 'enabled') return { ...json, extensions: others };
  if (value === null && !known) return json;
  const changed = address.member.startsWith(inProperties)
    ? {
        ...extension,
        properties: withMember(
          asObject(extension.properties),
          address.member.slice(inProperties.length),
          value,
        ),
      }
    : { ...extension, [address.member]: value ?? '' };
  const extensions = known
    ? list.map((each) => (each === known ? changed : each))
    : [...list, changed];
  return { ...json, extensions };
}

function withMember(object: JsonObject, member: string, value: SettingValue): JsonObject {
  if (value !== null) return { ...object, [member]: value };
  const { [member]: _, ...rest } = object;
  return rest;
}

/** Numbers may come as text; capabilities in another order are the same. */
export function isSameSetting(key: string, one: SettingValue, other: SettingValue): boolean {
  if (one === null || other === null) return one === other;
  const plain = (value: SettingValue) =>
    key.endsWith('apabilities')
      ? String(value)
          .split(',')
          .map((each) => each.trim())
          .sort()
          .join(',')
      : String(value);
  return plain(one) === plain(other);
}

/** True for a value of which something would have to be masked: it could not be put back. */
export function holdsSecret(value: SettingValue): boolean {
  return redactDeep(value) !== value;
}

function toValue(value: unknown): SettingValue {
  const { data } = SettingValue.safeParse(value ?? null);
  return data === undefined ? JSON.stringify(value) : data;
}

function isOfType({ typeName }: JsonObject, wanted: string): boolean {
  return String(typeName).toLowerCase() === wanted.toLowerCase();
}

function asObject(value: unknown): JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as JsonObject)
    : {};
}

function asList(value: unknown): JsonObject[] {
  return Array.isArray(value) ? (value as JsonObject[]) : [];
}
