/** A condition: whether there is a service key with this id, revoked or not. */
export const hasServiceKey = (id: string): string => `EXISTS (SELECT FROM service_key k WHERE k.id = ${id})`;
