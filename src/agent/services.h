#pragma once
#include <filesystem>
#include <functional>

#include "base/loop.h"
#include "base/worker_pool.h"
#include "config/config.h"
#include "git/program.h"
#include "http/async_client.h"
#include "local/job.h"
#include "local/probe.h"
#include "local/service.h"
#include "mesa/service.h"
#include "model/observer.h"
#include "model/store.h"
#include "webhooks/webhooks.h"

namespace refsyncd {

/// What either service needs of the engine; all of it outlives the service.
struct ServiceNeeds {
  const Clock& clock;
  Loop& loop;
  Store& store;
  WebhookStore& webhook_store;
  Recorder& recorder;
  Observer& observer;
  std::function<double()> roll;                ///< dice in [0, 1)
  Executor in_background;                      ///< runs a function on a worker's thread
  std::function<bool(size_t)> enough_workers;  ///< as LocalService wants it
  Executor on_disk;                            ///< on the thread that works with the store
};

/// The embedded service, with the git it works with and the webhooks that tell of its syncs.
struct LocalParts {
  LocalParts(const ServiceConfig& config, const ServiceNeeds& needs, const std::filesystem::path& data_dir);

  LocalParts(const LocalParts&) = delete;
  LocalParts& operator=(const LocalParts&) = delete;
  ~LocalParts() { http.stop(); }

  GitProgram git;
  SmartHttp http;
  Divergences divergences;  // before the probers, whose tasks read it until they are joined
  WorkerPool probers;       // compare refs with what upstreams list, while workers are busy
  WorkerPool maintainer;    // one thread, of low priority
  SyncJob job;
  Webhooks webhooks;
  LocalService service;
};

/// The hosted service, with the HTTP client that reaches it.
struct HostedParts {
  HostedParts(const ServiceConfig& config, const ServiceNeeds& needs);

  HttpClient http;
  MesaService service;
};

}  // namespace refsyncd
