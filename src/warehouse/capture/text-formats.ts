/** Options of a connection, so that texts of values do not depend on how the server or the role is set up. */
export const TEXT_FORMATS = '-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=iso_8601 -c bytea_output=hex';
