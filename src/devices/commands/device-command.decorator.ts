import { DiscoveryService } from '@nestjs/core';

/**
 * Marks a provider that implements DeviceCommand as the handler of one frame that devices send; the argument is the name of the Socket.IO
 * event. The device gateway discovers all of them at boot (live/socketio/device.gateway.ts).
 */
export const HandlesDeviceCommand = DiscoveryService.createDecorator<string>();
