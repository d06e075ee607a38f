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
    line: (lock: string) => `${prefix}:line:${lock}`,
    lock: (lock: string) => `${prefix}:lock:${lock}`,
    idempotency: (owner: string, digest: string) => `${prefix}:idem:${owner}:${digest}`,
    upload: (uploadId: string) => `${prefix}:upload:${uploadId}`,
    uploads: `${prefix}:uploads`,
    uploadHolds: (uploadId: string) => `${prefix}:upload-holds:${uploadId}`,
    site: (name: string) => `${prefix}:site:${name}`,
    siteLease: (name: string) => `${prefix}:site-lease:${name}`,
    siteClosed: (name: string) => `${prefix}:site-closed:${name}`,
    siteProbe: (name: string) => `${prefix}:site-probe:${name}`,
    published: (site: string, target: string) => `${prefix}:published:${site}:${target}`,
    cursorKey: `${prefix}:cursor-key`,
    bull: `${prefix}:bull`,
  };
}
export type JobKeys = ReturnType<typeof jobKeys>;
