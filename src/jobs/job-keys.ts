/** Names of everything Pressroom keeps in Redis, below one prefix. BullMQ's own keys lie below `bull`. */
export function jobKeys(prefix: string) {
  return {
    prefix,
    job: (jobId: string) => `${prefix}:job:${jobId}`,
    log: (jobId: string) => `${prefix}:log:${jobId}`,
    changes: `${prefix}:changes`,
    pending: `${prefix}:pending`,
    index: (kind: string, value: string) => `${prefix}:index:${kind}:${value}`,
    all: `${prefix}:index:all`,
    ended: `${prefix}:ended`,
    /** Who goes next in a queue, as far as nobody has begun it. */
    turns: (queue: string) => `${prefix}:turns:${queue}`,
    /** How many jobs each owner has in a queue that have not ended. */
    openJobs: (queue: string) => `${prefix}:open-jobs:${queue}`,
    /** How long the last jobs of a kind took there, in milliseconds. */
    durations: (processID: string, queue: string) => `${prefix}:durations:${processID}|${queue}`,
    /** The table of a parent's children, by index. */
    childRows: (parentID: string) => `${prefix}:child-rows:${parentID}`,
    line: (lock: string) => `${prefix}:line:${lock}`,
    lock: (lock: string) => `${prefix}:lock:${lock}`,
    idempotency: (owner: string, digest: string) => `${prefix}:idem:${owner}:${digest}`,
    upload: (uploadId: string) => `${prefix}:upload:${uploadId}`,
    uploads: `${prefix}:uploads`,
    uploadsToWipe: `${prefix}:uploads-to-wipe`,
    uploadHolds: (uploadId: string) => `${prefix}:upload-holds:${uploadId}`,
    site: (name: string) => `${prefix}:site:${name}`,
    siteLease: (name: string) => `${prefix}:site-lease:${name}`,
    siteClosed: (name: string) => `${prefix}:site-closed:${name}`,
    siteHold: (name: string) => `${prefix}:site-hold:${name}`,
    siteProbe: (name: string) => `${prefix}:site-probe:${name}`,
    siteTroubles: (name: string, step: string) => `${prefix}:site-troubles:${name}:${step}`,
    /** How long the last site jobs took, of a service or of a type. */
    siteJobTimes: (name: string, what: string) => `${prefix}:site-job-times:${name}:${what}`,
    /** The upload that a site job was given. */
    siteJobItem: (name: string, siteJobId: string) =>
      `${prefix}:site-job-item:${name}:${siteJobId}`,
    dataStoreValidations: (site: string) => `${prefix}:data-store-validations:${site}`,
    ledger: (service: string) => `${prefix}:ledger:${service}`,
    plan: (digest: string) => `${prefix}:plan:${digest}`,
    ledgerVersion: (service: string, version: number) =>
      `${prefix}:ledger-version:${service}:${version}`,
    webhook: (endpointId: string) => `${prefix}:webhook:${endpointId}`,
    webhooksOf: (owner: string) => `${prefix}:webhooks-of:${owner}`,
    delivery: (deliveryId: string) => `${prefix}:delivery:${deliveryId}`,
    deliveryAttempts: (deliveryId: string) => `${prefix}:delivery-attempts:${deliveryId}`,
    deliveryThrottle: (key: string) => `${prefix}:delivery-throttle:${key}`,
    deliveriesOfEndpoint: (endpointId: string) => `${prefix}:deliveries-of-webhook:${endpointId}`,
    deliveriesOfJob: (jobId: string) => `${prefix}:deliveries-of-job:${jobId}`,
    dueDeliveries: `${prefix}:due-deliveries`,
    settledDeliveries: `${prefix}:settled-deliveries`,
    runtime: (runtimeId: string) => `${prefix}:runtime:${runtimeId}`,
    runtimes: `${prefix}:runtimes`,
    cursorKey: `${prefix}:cursor-key`,
    bull: `${prefix}:bull`,
  };
}
export type JobKeys = ReturnType<typeof jobKeys>;
