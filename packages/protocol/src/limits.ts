/** Every bound that a peer can run into. Changing one is a change of the protocol. */
export const limits = {
  /** One frame in either direction, in bytes of UTF-8. */
  frameBytesMax: 1_048_576,
  /** The body of one message, in bytes as it stands in a frame (see `wireBytes`): whatever was accepted also fits into an answer. */
  messageBytesMax: 262_144,
  /** Mail that waits for one agent. New mail is refused beyond it; old mail is never dropped. */
  mailboxDepthMax: 1_000,
  /** Deliveries handed over whose `seen` or `answered` may still come, per agent. Older ones keep the stage they reached. */
  openDeliveriesMax: 1_000,
  /** Frames waiting for one slow client before it is dropped with a cursor to resume from. */
  outboxFramesMax: 4_096,
  /** Bytes waiting for one slow client before it is dropped. */
  outboxBytesMax: 16_777_216,
  /** Requests of one client that have no answer yet. */
  requestsInFlightMax: 1_024,
  /** Subscriptions of one client. */
  subscriptionsMax: 64,
  /** What one page of messages or events holds together, unless a single one is larger. */
  pageBytesMax: 524_288,
  /** Rows in one page of any listing. */
  pageMax: 500,
  /** Terminal output kept per agent. */
  terminalRingBytes: 1_048_576,
  /** Of what an agent's model has said, in one event: a long report, and small beside a page of events. */
  answerCharactersMax: 16_000,
  /** Members of one channel. */
  channelMembersMax: 500,
  /** Agents that a broker knows of, ended ones included. */
  agentsMax: 2_000,
  /** Attempts to bring one message before it is a dead letter. */
  deliveryAttemptsMax: 5,
  /** Streams of clients that a broker keeps open. Beyond it, the one that was not appended to for longest is closed: it can be read, for ever. */
  streamsMax: 10_000,
  /** Entries of one append: they are recorded together or not at all. */
  streamEntriesMax: 500,
  /** The data of one entry, as JSON. With everything around it, an entry fits into one frame. */
  entryBytesMax: 786_432,
  /** The summary of one stream, as JSON. Kept in memory for each open stream. */
  summaryBytesMax: 2_048,
  /** Leases that are held at the same time. */
  leasesMax: 1_000,
  /** How long a lease lasts without being renewed: below, a busy machine loses it; above, nobody notices a dead holder. */
  leaseMsMin: 100,
  leaseMsMax: 3_600_000,
} as const;
