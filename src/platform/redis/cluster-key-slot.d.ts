declare module 'cluster-key-slot' {
  /** The slot of a key, 0 to 16383, by its hash tag where it has one. */
  const calculateSlot: (key: string) => number;
  export default calculateSlot;
}
