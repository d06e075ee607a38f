import { type ServiceTarget, toText } from '../sites/service-target.ts';

/** What only one job at a time may touch. Sites do not tell upper from lower case. */
export function lockOfService(site: string, target: ServiceTarget): string {
  return `${site}:service:${toText(target).toLowerCase()}`;
}
