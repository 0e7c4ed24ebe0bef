#include "local/probing.h"

#include <utility>

namespace refsyncd {

Probing::Probing(Probe probe, size_t most, size_t most_of_a_host)
    : probe_(std::move(probe)), queue_(most, most_of_a_host) {}

Probing::~Probing() { *alive_ = false; }

bool Probing::possible(const Repo& repo) const {
  if (!probe_ || !repo.upstream) return false;
  return over_http(repo.upstream->transport);
}

Probing::Ticket Probing::ask(const SyncRequest& request, const Repo& repo, Done done) {
  auto ticket = std::to_string(++tickets_);
  questions_.emplace(ticket, Question{.request = request, .repo = repo, .done = std::move(done)});
  // Reading disturbs nobody: each question is a repository of its own to the queue.
  queue_.add({.id = ticket, .repo = ticket, .host = repo.upstream->host, .priority = request.priority});
  ask_what_may();
  return ticket;
}

void Probing::forget(const Ticket& ticket) {
  queue_.remove(ticket);
  questions_.erase(ticket);
}

void Probing::ask_what_may() {
  while (const auto ticket = queue_.take()) {
    const auto& question = questions_.at(*ticket);
    probe_(question.request, question.repo, [this, alive = alive_, ticket = *ticket](Probed probed) {
      if (*alive) answered(ticket, std::move(probed));
    });
  }
}

void Probing::answered(const Ticket& ticket, Probed probed) {
  queue_.finish(ticket);
  if (auto question = questions_.extract(ticket)) question.mapped().done(std::move(probed));
  ask_what_may();
}

}  // namespace refsyncd
