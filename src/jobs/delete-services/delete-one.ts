import { redactDeep } from '../../lib/redact.ts';
import type { JsonObject } from '../../sites/answer-shapes.ts';
import { deleteService } from '../../sites/service-changes.ts';
import { findStatus } from '../../sites/service-states.ts';
import { toText } from '../../sites/service-target.ts';
import { readService, type ServiceStatus } from '../../sites/services.ts';
import { isNotFound } from '../../sites/site-errors.ts';
import type { PublishLedger } from '../publish-ledger.ts';
import { asOutcome, type OneService } from '../service-change.ts';
import {
  ServiceNotAsWantedError,
  ServiceNotPutBackError,
  ServicesRefusedError,
} from '../service-errors.ts';
import { type Place, shareOf } from '../service-steps.ts';
import { defineStep, type Step, type StepContext } from '../step.ts';
import type { KeptPictures } from './keep-pictures.ts';
import { DeletedService } from './schema.ts';

/** The ledger is told what is gone, so that its definition is not kept as that of a live service. */
type Deleting = OneService & { ledger: Pick<PublishLedger, 'setLive'>; kept: KeptPictures };
type Before = { status: ServiceStatus | null; snapshot?: JsonObject };

/** What is deleted cannot be put back: its files went with it, and its portal items get new ids. */
export function deleteOne(place: Place): Step<Deleting, DeletedService, Before> {
  return defineStep<Deleting, DeletedService, Before>({
    name: `delete:${place.at}`,
    title: 'Deleting services',
    share: shareOf(place),
    result: DeletedService,
    before: lookBefore,
    look: async (one, context) => {
      if (await findStatus(one.site, one.target, context)) return undefined;
      await tellLedger(one);
      return toDeleted(one, context.before);
    },
    act: (one, context) => asOutcome(one, context.before.status, () => remove(one, context)),
    undo: async (one, result, context) => {
      const isDeleted = result?.outcome === 'done';
      if (!isDeleted || one.isKept()) return undefined;
      throw new ServiceNotPutBackError(
        `${toText(one.target)} on ${one.site.name} is deleted: it was ${context.before.status?.realTimeState.toLowerCase()}, and has to be published again. ${howToPutBack(one)}`,
      );
    },
  });
}

function howToPutBack({ target, kept }: Deleting): string {
  const version = kept.versions[toText(target)];
  const picture = `What it was like stands in ${kept.pictures.href}.`;
  return version === undefined
    ? `Pressroom does not hold its definition. ${picture}`
    : `rollback-service to version ${version} does it, while its definition is kept. ${picture}`;
}

async function lookBefore(one: OneService, context: StepContext): Promise<Before> {
  const { site, target } = one;
  const status = await findStatus(site, target, context);
  if (!status) return { status: null };
  try {
    const snapshot = redactDeep(await readService(site, target, context)) as JsonObject;
    return { status, snapshot };
  } catch (error) {
    if (isNotFound(error)) return { status: null };
    throw error;
  }
}

async function tellLedger({ ledger, site, target }: Deleting): Promise<void> {
  await ledger.setLive(site.name, toText(target), undefined);
}

async function remove(one: Deleting, context: StepContext<Before>): Promise<DeletedService> {
  const { site, target } = one;
  const { before } = context;
  if (before.snapshot?.isDefault === true) {
    throw new ServicesRefusedError(
      'conflict',
      `${toText(target)} is one of the services that ${site.name} needs itself: it is not deleted.`,
      { site: site.name },
    );
  }
  if (!before.status) {
    await tellLedger(one);
    return toDeleted(one, before);
  }
  const { warnings } = await deleteService(site, target, context);
  if (await findStatus(site, target, context)) {
    throw new ServiceNotAsWantedError(
      `${site.name} said that it deleted ${toText(target)}, and still shows it.`,
      { facts: { site: site.name, service: toText(target), siteMessages: warnings } },
    );
  }
  await tellLedger(one);
  await context.log.info(`${toText(target)} on ${site.name} was deleted.`);
  const deleted = toDeleted(one, before);
  return { ...deleted, messages: [...deleted.messages, ...warnings] };
}

function toDeleted({ target, kept }: Deleting, { status, snapshot }: Before): DeletedService {
  if (!status) return alreadyGone(toText(target));
  return {
    version: kept.versions[toText(target)] ?? null,
    service: toText(target),
    outcome: 'done',
    before: status,
    messages: [],
    ...(snapshot && { snapshot }),
  };
}

export function alreadyGone(service: string): DeletedService {
  return { service, outcome: 'already', messages: ['It is not there.'] };
}
