import { toText } from '../../sites/service-target.ts';
import { wantedTarget } from '../publish-service-definition/acceptance.ts';
import type { FoundDefinition } from './find-definitions.ts';
import type { PlannedService } from './folder-plan.ts';
import { type ListedDefinition, maxDefinitions, type PublishFolderParams } from './schema.ts';
import { SourceRefusedError } from './source-errors.ts';

type Content = { folder: string; serviceName: string; type: string };
type Ordering = Pick<PublishFolderParams, 'folder' | 'foldersFromSource' | 'after'>;

/**
 * Which services are to be made of what was found, in order of their names. What does not go together is refused
 * before anything is begun.
 *
 * @throws SourceRefusedError
 */
export function makePlan(
  found: FoundDefinition[],
  listed: ListedDefinition[],
  params: Ordering,
): { plan: PlannedService[]; warnings: string[] } {
  const sorted = withOwnNames(found).sort((one, other) => (one.name < other.name ? -1 : 1));
  const names = new DefinitionNames(sorted);
  const entries: ListedDefinition[] =
    listed.length > 0 ? listed : sorted.map(({ name }) => ({ definition: name }));
  const chosen = entries.map((entry) => ({ entry, definition: names.get(entry.definition) }));
  names.refuseUnknown();
  const keys = toKeys(chosen);
  const plan = chosen.map(({ entry, definition }, at): PlannedService => {
    const { name, upload, known, unpackedFrom, fault } = definition;
    const folder =
      entry.folder ?? (params.foldersFromSource ? folderOf(name) : undefined) ?? params.folder;
    const { serviceName } = entry;
    const said = {
      ...(folder !== undefined && { folder }),
      ...(serviceName !== undefined && { serviceName }),
    };
    const own = upload?.content?.kind === 'service-definition' ? upload.content : undefined;
    const content = own ?? known?.content;
    const sha256 = (upload ?? known)?.sha256;
    return {
      name,
      key: keys[at] ?? name,
      ...said,
      after: [],
      ...(upload && { uploadId: upload.uploadId }),
      ...(sha256 !== undefined && { sha256 }),
      ...(unpackedFrom && content && { unpacked: toUnpacked(unpackedFrom, content) }),
      ...(content && { service: toText(wantedTarget(said, content)) }),
      ...(fault && { fault }),
    };
  });
  setOrder(plan, chosen, { names, after: params.after });
  if (plan.length === 0)
    throw new SourceRefusedError('The source holds no service definition (.sd).');
  if (plan.length > maxDefinitions)
    throw new SourceRefusedError(`The source holds more than ${maxDefinitions} definitions.`);
  refuseSameTarget(plan);
  refuseCircles(plan);
  const left = sorted.filter((each) => !chosen.some(({ definition }) => definition === each));
  return { plan, warnings: left.map(({ name }) => `${name} is not in the list and was left out.`) };
}

function toUnpacked(
  { zip, member }: { zip: string; member: string },
  { folder, serviceName, type }: Content,
): PlannedService['unpacked'] {
  return { zip, member, content: { folder, serviceName, type } };
}

/** Two files of one name are told apart by a number. */
function withOwnNames(found: FoundDefinition[]): FoundDefinition[] {
  const seen = new Map<string, number>();
  return found.map((each) => {
    const times = (seen.get(each.name) ?? 0) + 1;
    seen.set(each.name, times);
    return times === 1 ? each : { ...each, name: `${each.name} (${times})` };
  });
}

function folderOf(name: string): string | undefined {
  return name.split('/').at(-2);
}

function toKeys(chosen: { entry: ListedDefinition; definition: FoundDefinition }[]): string[] {
  const count = (name: string) => chosen.filter((each) => each.definition.name === name).length;
  return chosen.map(({ entry: { folder = '', serviceName = '' }, definition: { name } }) =>
    count(name) > 1 ? `${name} as ${folder}/${serviceName}` : name,
  );
}

/** Finds a definition by what a person calls it: whole, without its folders, or with those of another machine. */
class DefinitionNames {
  readonly #definitions: FoundDefinition[];
  readonly #unknown: string[] = [];

  constructor(definitions: FoundDefinition[]) {
    this.#definitions = definitions;
  }

  /** A name that is not known, or means several, is kept for `refuseUnknown`. */
  get(wanted: string): FoundDefinition {
    const asked = toPlain(wanted);
    const alike = [asked, `${asked}.sd`];
    const exact = this.#definitions.filter(({ name }) => alike.includes(toPlain(name)));
    const near = this.#definitions.filter(({ name }) => {
      const plain = toPlain(name);
      return alike.some((each) => plain.endsWith(`/${each}`) || each.endsWith(`/${plain}`));
    });
    const [only, ...more] = exact.length > 0 ? exact : near;
    if (only && more.length === 0) return only;
    const names = [only, ...more].map((each) => each?.name).join(', ');
    this.#unknown.push(only ? `${wanted} may be ${names}` : `${wanted} is not in the source`);
    return { name: wanted };
  }

  refuseUnknown(): void {
    if (this.#unknown.length === 0) return;
    const shown = this.#unknown.slice(0, 20).join('; ');
    const more = this.#unknown.length > 20 ? ` and ${this.#unknown.length - 20} more` : '';
    throw new SourceRefusedError(`Not every definition was found: ${shown}${more}.`, {
      facts: { notFound: this.#unknown.slice(0, 100) },
    });
  }
}

function toPlain(name: string): string {
  return name
    .replaceAll('\\', '/')
    .replace(/^[a-z]:/i, '')
    .replace(/^\/+/, '')
    .toLowerCase();
}

function setOrder(
  plan: PlannedService[],
  chosen: { entry: ListedDefinition; definition: FoundDefinition }[],
  { names, after }: { names: DefinitionNames; after: PublishFolderParams['after'] },
): void {
  const keysOf = (wanted: string) => {
    const { name } = names.get(wanted);
    return plan.filter((each) => each.name === name).map(({ key }) => key);
  };
  const byName = new Map<string, string[]>();
  for (const [wanted, before] of Object.entries(after)) {
    const { name } = names.get(wanted);
    byName.set(name, [...(byName.get(name) ?? []), ...before.flatMap(keysOf)]);
  }
  for (const [at, service] of plan.entries()) {
    const own = chosen[at]?.entry.after ?? [];
    service.after = [...new Set([...own.flatMap(keysOf), ...(byName.get(service.name) ?? [])])];
  }
  names.refuseUnknown();
}

function refuseSameTarget(plan: PlannedService[]): void {
  const seen = new Map<string, string>();
  const twice: string[] = [];
  for (const { service, key } of plan) {
    if (service === undefined) continue;
    const first = seen.get(service.toLowerCase());
    if (first !== undefined) twice.push(`${first} and ${key} both become ${service}`);
    seen.set(service.toLowerCase(), first ?? key);
  }
  if (twice.length === 0) return;
  throw new SourceRefusedError(
    `${twice.slice(0, 20).join('; ')}. Give one of them another folder or serviceName in a list.`,
    { facts: { sameTarget: twice.slice(0, 100) } },
  );
}

function refuseCircles(plan: PlannedService[]): void {
  const done = new Set<string>();
  let waiting = plan;
  while (waiting.length > 0) {
    const ready = waiting.filter(({ after }) => after.every((key) => done.has(key)));
    if (ready.length === 0) {
      const keys = waiting.slice(0, 20).map(({ key }) => key);
      throw new SourceRefusedError(`These wait for each other: ${keys.join(', ')}.`);
    }
    for (const { key } of ready) done.add(key);
    waiting = waiting.filter(({ key }) => !done.has(key));
  }
}
