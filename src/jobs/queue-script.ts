import { addPrioritizedJob } from 'bullmq/dist/cjs/scripts/addPrioritizedJob-9.js';

/**
 * BullMQ's own script that adds a job with a priority, as a function for scripts of ours: so the record and the
 * job's place in its queue come to be in one step. What it is handed is what `Queue.add` hands it: a test compares.
 */
export const queueFunctions = /* lua */ `
local function bullAddPrioritized(KEYS, ARGV)
${addPrioritizedJob.content}
end

-- \`options\` are those of all jobs.
local function addToQueue(queue, jobId, name, timestamp, priority, options)
  local base = prefix .. ':bull:' .. queue .. ':'
  options.jobId, options.priority = jobId, priority
  bullAddPrioritized({
    base .. 'marker', base .. 'meta', base .. 'id', base .. 'prioritized', base .. 'delayed', base .. 'completed',
    base .. 'active', base .. 'events', base .. 'pc'
  }, {
    cmsgpack.pack({base, jobId, name, timestamp}), cjson.encode({jobId = jobId}), cmsgpack.pack(options)
  })
end
`;
