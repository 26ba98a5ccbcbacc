/**
 * The thread of one store: holds its lock, its key and its database, and answers one request at a time, in
 * order. Started by sqlite-thread.ts; nothing imports it.
 */
import { parentPort } from 'node:worker_threads'
import { decodeBatch, encodeResults } from './batch.ts'
import { createDatabase, lock, RecordDatabase, toFailure } from './database.ts'
import type { Answer, Request } from './sqlite-thread.ts'

let release: (() => void) | undefined
let database: RecordDatabase | undefined

function answer(request: Request): ArrayBuffer | undefined {
  let results: ArrayBuffer | undefined
  switch (request.type) {
    case 'lock':
      release = lock(request.path)
      break
    case 'create':
      createDatabase(request.path, request.key)
      break
    case 'open':
      database = new RecordDatabase(request.path, request.key)
      break
    case 'execute':
      results = encodeResults(database!.execute(decodeBatch(request.count, request.memory)))
      break
    case 'close':
      try {
        database?.close()
      } finally {
        release?.()
      }
  }
  return results
}

function reply(request: Request): Answer {
  try {
    return { memory: answer(request) }
  } catch (error) {
    return { failure: toFailure(error) }
  } finally {
    // The database has its own copy by now; this one is ours to wipe.
    if ('key' in request) request.key.fill(0)
  }
}

parentPort!.on('message', (request: Request) => {
  const message = reply(request)
  parentPort!.postMessage(message, message.memory === undefined ? [] : [message.memory])
  if (request.type === 'close') parentPort!.close()
})
