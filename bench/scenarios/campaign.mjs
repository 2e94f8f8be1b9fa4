export async function campaign() {
  return [];
}
