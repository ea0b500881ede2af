/**
 * The server's settings as arguments: a modest memory use, nothing for replicas, and every commit on the disk. They are
 * given at each start instead of being written to `postgresql.conf`, so that a newer release may change them.
 */
export function postgresArguments(options: {
  readonly dataFolder: string;
  readonly port: number;
  readonly majorVersion: number;
  /** Further settings; they win. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
}): string[] {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(options.port),
    unix_socket_directories: '',
    max_connections: '60',
    shared_buffers: '64MB',
    work_mem: '4MB',
    maintenance_work_mem: '32MB',
    effective_cache_size: '256MB',
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_wal_size: '512MB',
    min_wal_size: '32MB',
    checkpoint_timeout: '10min',
    random_page_cost: '1.1',
    jit: 'off',
    max_parallel_workers_per_gather: '0',
    max_worker_processes: '1',
    max_logical_replication_workers: '0',
    log_min_messages: 'warning',
    log_line_prefix: '%m [%p] ',
    log_timezone: 'UTC',
    timezone: 'UTC',
    // Names a process that hangs on to a lost client soon, instead of after the system's two hours.
    tcp_keepalives_idle: '60',
    client_connection_check_interval: '10s',
    // The default keeps three more processes for reading ahead, of which so small a database has no use.
    ...(options.majorVersion >= 18 ? { io_method: 'sync' } : {}),
    ...options.settings,
  };
  return ['-D', options.dataFolder, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}
