declare module 'cluster-key-slot' {
  /** Returns the cluster slot of a key, 0 to 16383; of its hash tag if it has one. */
  const calculateSlot: (key: string) => number;
  export default calculateSlot;
}
