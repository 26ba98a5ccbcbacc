/** No record of the store is larger: 4 MiB. */
export const RECORD_MAX_BYTES = 4 * 1024 * 1024
