import { Module } from '@nestjs/common';

/** The page at `/` and what it needs; only in development. */
@Module({})
export class DevelopmentModule {}
