#!/usr/bin/python3
"""What a running agent tells: metrics, health, its commands, and the service manager."""

import json
import os
import re
import resource
import signal
import stat
import subprocess
import unittest
from pathlib import Path

from support import http_server, owner
from support.git import branch
from support.hosted import local_only
from support.scenario import Scenario
from support.wait import wait_until

SYNCS = "refsyncd_syncs_total"


class Service(Scenario):
    def setUp(self):
        super().setUp()
        self.app = self.upstream()
        self.app.commit("main")
        self.server = self.http_server()

    def configure(self, *policies, **sections):
        return self.program(self.configuration(self.server.url(self.app), *policies, **sections))

    def start_held(self, program):
        """Starts an agent whose first sync waits for its upstream, and waits until the agent knows."""
        self.server.fault = hold = http_server.Hold(lambda request: request.fetches)
        agent = self.start(program)
        wait_until(hold.held.is_set, what="a sync in the middle", describe=agent.log)
        agent.wait_metric("refsyncd_syncs_in_progress")
        return agent, hold


class MetricsAndHealth(Service):
    def test_every_metric_is_there_with_zeroes_from_the_start(self):
        agent, hold = self.start_held(self.configure())
        metrics = agent.metrics()
        of_policy = {"policy": "app-pull"}
        for outcome in ("updated", "unchanged", "filtered", "rejected"):
            self.assertEqual(metrics.value("refsyncd_refs_total", direction="pull", outcome=outcome, **of_policy), 0)
        for status in ("completed", "failed"):
            self.assertEqual(metrics.value(SYNCS, direction="pull", status=status, **of_policy), 0)
        for kind in ("transient", "throttled", "auth", "not_found", "untrusted", "bad_config", "internal"):
            self.assertEqual(metrics.value("refsyncd_attempt_failures_total", kind=kind, **of_policy), 0)
        for name in ("rejected_refs", "consecutive_failures", "last_success_timestamp_seconds"):
            self.assertEqual(metrics.value(f"refsyncd_{name}", **of_policy), 0)
        for direction in ("pull", "push"):
            self.assertEqual(metrics.value("refsyncd_sync_duration_seconds_count", direction=direction), 0)
        self.assertGreater(metrics.value("refsyncd_next_run_timestamp_seconds", **of_policy), 1_600_000_000)
        self.assertGreater(metrics.value("refsyncd_last_attempt_timestamp_seconds", **of_policy), 1_600_000_000)
        self.assertEqual(metrics.value("refsyncd_queue_depth"), 0)
        self.assertEqual(metrics.value("refsyncd_syncs_in_progress"), 1)
        self.assertEqual(metrics.value("refsyncd_config_last_reload_successful"), 1)
        self.assertEqual(metrics.total("refsyncd_build_info"), 1)
        self.assertTrue(any(name.startswith("refsyncd_schedule_lateness_seconds") for name in metrics.names()))
        hold.release()
        metrics = agent.wait_success("app-pull")
        self.assertEqual(metrics.value("refsyncd_refs_total", direction="pull", outcome="updated", **of_policy), 1)
        self.assertGreaterEqual(metrics.value("refsyncd_sync_duration_seconds_count", direction="pull"), 1)
        self.assertGreater(metrics.value("refsyncd_last_success_timestamp_seconds", **of_policy), 1_600_000_000)

    def test_promtool_finds_no_fault_with_the_metrics(self):
        agent = self.start(self.configure())
        text = agent.wait_metric(SYNCS, status="completed").text
        checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def test_rejected_refs_are_counted_and_logged_with_their_reason(self):
        agent = self.start(self.configure())
        agent.wait_metric(SYNCS, status="completed", policy="app-pull")
        self.app.commit("main", root=True)
        metrics = agent.wait_metric("refsyncd_rejected_refs", policy="app-pull")
        self.assertEqual(metrics.value(SYNCS, policy="app-pull", direction="pull", status="failed"), 0)
        agent.wait_log("non_fast_forward")
        self.assertTrue(any("refs/heads/main" in line or " main" in line
                            for line in agent.log().splitlines() if "non_fast_forward" in line))

    def test_json_logs_are_one_object_a_line(self):
        agent = self.start(self.configure(log={"format": "json"}))
        agent.wait_metric(SYNCS, status="completed", policy="app-pull")
        self.assertEqual(agent.stop(), 0)
        records = [json.loads(line) for line in agent.log().splitlines()]
        told = next(record for record in records if record["event"] == "sync_completed")
        self.assertEqual((told["policy"], told["updated"]), ("app-pull", 1))
        self.assertTrue(any(record.get("ref") == branch("main") for record in records))

    def test_ready_after_the_first_success_and_says_what_is_missing_before(self):
        agent, hold = self.start_held(self.configure())
        self.assertEqual(agent.get("/healthz")[0], 200)
        status, text = agent.get("/readyz")
        self.assertEqual(status, 503)
        json.loads(text)
        self.assertIn("app-pull", text)
        hold.release()
        wait_until(lambda: agent.get("/readyz")[0] == 200, what="readiness", describe=lambda: agent.get("/readyz"))

    def test_stale_policies_end_readiness_and_not_health(self):
        agent = self.start(self.configure({"stale_after": "2s"}))
        wait_until(lambda: agent.get("/readyz")[0] == 200, what="readiness", describe=lambda: agent.get("/readyz"))
        self.server.fault = http_server.Status(500)

        def refusal():
            status, text = agent.get("/readyz")
            return text if status == 503 else None

        self.assertIn("app-pull", wait_until(refusal, what="staleness", describe=agent.log))
        self.assertEqual(agent.get("/healthz")[0], 200)

    def test_unknown_paths_are_not_found(self):
        agent = self.start(self.configure())
        self.assertEqual(agent.get("/nothing-here")[0], 404)
        self.assertEqual(agent.get("/metrics/../../etc/passwd")[0], 404)


class Limits(Service):
    def configure_many(self, count, **sections):
        """Some repositories on the server that may be held, and one elsewhere."""
        configuration = self.configuration(self.server.url(self.app), **sections)
        configuration["policies"] = []
        for name in [f"app{n}" for n in range(count)] + ["well"]:
            upstream = self.upstream(name)
            upstream.commit("main")
            url = f"file://{upstream.path}" if name == "well" else self.server.url(upstream)
            configuration["repos"][name] = {"upstream": {"url": url}}
            configuration["policies"].append({"repo": name, "direction": "pull"})
        return self.program(configuration)

    def fetches(self):
        return len([request for request in self.server.requests if request.fetches])

    def test_a_slow_host_gets_its_share_and_no_more(self):
        program = self.configure_many(5, service={"per_host": 2})
        agent, hold = self.start_held(program)
        agent.wait_metric(SYNCS, 2, policy="well-pull", status="completed")
        agent.wait_metrics(lambda scraped: scraped.value("refsyncd_queue_depth") == 3, "three waiting")
        wait_until(lambda: self.fetches() == 2, what="two fetches", describe=agent.log)
        self.assertIn("127.0.0.1", program.run("status").stdout)
        self.assertEqual(self.fetches(), 2)
        hold.release()
        for number in range(5):
            agent.wait_metric(SYNCS, policy=f"app{number}-pull", status="completed")

    def test_a_repository_is_synced_by_one_at_a_time(self):
        program = self.configure({"name": "all"}, {"name": "mine", "ref_globs": {"branches": "main"}})
        agent, hold = self.start_held(program)
        agent.wait_metric("refsyncd_queue_depth")
        self.assertEqual(agent.metrics().value("refsyncd_syncs_in_progress"), 1)
        hold.release()
        for policy in ("all", "mine"):
            agent.wait_metric(SYNCS, policy=policy, status="completed")

    def test_policies_beyond_the_limit_share_their_series(self):
        agent = self.start(self.configure_many(3, metrics={"max_policies": 2}))
        agent.wait_metric(SYNCS, 2, policy="_other", status="completed")
        metrics = agent.wait_metric(SYNCS, policy="app0-pull", status="completed")
        self.assertEqual(metrics.value("refsyncd_metrics_truncated"), 1)
        self.assertEqual(metrics.total("refsyncd_refs_total", policy="app0-pull", outcome="updated"), 1)
        self.assertEqual(metrics.total("refsyncd_refs_total", policy="app2-pull"), 0)


class Commands(Service):
    def test_status_says_what_each_policy_is_doing(self):
        program = self.configure({}, {"direction": "push", "every": "8760h"})
        agent, hold = self.start_held(program)
        done = program.run("status")
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in ("app-pull", "app-push"):
            self.assertIn(word, done.stdout)
        hold.release()
        agent.wait_metric(SYNCS, status="completed", policy="app-pull")
        self.server.fault = http_server.Status(401)
        agent.wait_metric("refsyncd_consecutive_failures", policy="app-pull")
        self.assertIn("auth", program.run("status").stdout)

    def test_status_of_one_policy_leaves_the_others_out(self):
        program = self.configure({}, {"direction": "push", "every": "8760h"})
        self.start(program)
        done = program.run("status", "app-push")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("app-push", done.stdout)
        self.assertNotIn("app-pull", done.stdout)
        unknown = program.run("status", "app-pus")
        self.assertEqual(unknown.returncode, 2, unknown.stderr)
        self.assertIn("did you mean 'app-push'?", unknown.stderr)

    def test_commands_find_the_agent_although_the_file_on_disk_has_mistakes(self):
        configuration = self.configuration(self.server.url(self.app))
        program = self.program(configuration)
        self.start(program)
        program.configure(configuration | {"bananas": 1, "log": {"level": "loud"}})
        for command in (["status"], ["history"]):
            done = program.run(*command)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(program.run("reload").returncode, 78)

    def test_a_reload_does_not_wait_for_syncs(self):
        configuration = self.configuration(self.server.url(self.app), service={"concurrency": 1})
        program = self.program(configuration)
        agent, hold = self.start_held(program)
        done = program.run("reload", timeout=15)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(agent.metrics().value("refsyncd_syncs_in_progress"), 1)
        hold.release()

    @local_only("a hosted service takes what it is asked for as a sync of its own")
    def test_a_run_that_is_asked_for_while_one_may_have_looked_too_early_follows_it(self):
        agent, hold = self.start_held(self.configure({"every": "8760h"}))
        newest = self.app.commit("main")
        status, _ = owner.call(self.data, "POST", "/control/v1/policies/app-pull/trigger")
        self.assertEqual(status, 202)
        hold.release()
        wait_until(lambda: self.mirror().value(branch("main")) == newest, what="the new commit", describe=agent.log)

    @local_only("a hosted service has no threads of ours")
    def test_a_reload_that_cannot_start_its_threads_changes_nothing(self):
        program = self.configure()
        agent = self.start(program)
        agent.wait_metric(SYNCS, policy="app-pull", status="completed")
        used = int(re.search(r"VmSize:\s+(\d+) kB", Path(f"/proc/{agent.pid}/status").read_text())[1]) * 1024
        resource.prlimit(agent.pid, resource.RLIMIT_AS, (used + (64 << 20), resource.RLIM_INFINITY))
        program.configure(self.configuration(self.server.url(self.app), {"name": "other"}, service={"concurrency": 200}))
        done = program.run("reload")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("200 threads cannot be started", done.stdout + done.stderr)
        newest = self.app.commit("main")
        wait_until(lambda: self.mirror().value(branch("main")) == newest, what="the old policy running",
                   describe=agent.log)
        self.assertNotIn("other", program.run("status").stdout)
        resource.prlimit(agent.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.assertEqual(program.run("reload").returncode, 0)
        self.assertIn("other", program.run("status").stdout)

    def test_a_sync_by_hand_that_cannot_be_is_wrong_usage(self):
        program = self.configure()
        self.start(program)
        for wrong in (["nothing"], ["app", "--branches", "a b"]):
            done = program.run("sync", *wrong, "--direction", "pull")
            self.assertEqual(done.returncode, 2, done.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to give a folder away")
    def test_a_data_folder_that_somebody_else_owns_is_used_as_it_is(self):
        self.data.mkdir(parents=True)
        os.chown(self.data, 65534, 65534)
        self.data.chmod(0o770)
        self.start(self.configure()).wait_metric(SYNCS, status="completed", policy="app-pull")
        self.assertEqual(self.data.stat().st_mode & 0o777, 0o770)

    def test_history_lists_syncs_newest_first(self):
        program = self.configure()
        agent = self.start(program)
        agent.wait_metric(SYNCS, 2, status="completed", policy="app-pull")
        syncs = program.history()
        self.assertEqual([s["created_at"] for s in syncs], sorted((s["created_at"] for s in syncs), reverse=True))
        self.assertEqual({s["repo"] for s in syncs}, {"app"})
        self.assertEqual(syncs[-1]["stats"]["refs"][0]["outcome"], "updated")
        text = program.run("history", "app")
        self.assertEqual(text.returncode, 0, text.stderr)
        self.assertIn("completed", text.stdout)
        self.assertIn(syncs[-1]["id"], text.stdout)
        self.assertNotEqual(program.run("history", "no-such-repo").returncode, 0)

    def test_sync_by_hand_waits_and_tells_how_it_ended(self):
        program = self.configure({"every": "8760h"})
        self.app.set(branch("other"), self.app.value(branch("main")))
        agent = self.start(program)
        agent.wait_metric(SYNCS, policy="app-pull", status="completed")
        newest = self.app.commit("main")
        self.app.commit("other")
        done = program.run("sync", "app", "--direction", "pull", "--branches", "main", "--wait")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("completed", done.stdout + done.stderr)
        self.assertEqual(self.mirror().value(branch("main")), newest)
        self.assertNotEqual(self.mirror().value(branch("other")), self.app.value(branch("other")))
        self.assertGreaterEqual(agent.metrics().total(SYNCS, policy="_manual", status="completed"), 1)

    def test_sync_by_hand_fails_with_the_sync(self):
        program = self.configure({"every": "8760h"})
        self.start(program)
        self.server.fault = http_server.Status(404)
        done = program.run("sync", "app", "--direction", "pull", "--wait")
        self.assertEqual(done.returncode, 1)
        self.assertIn("not_found", done.stdout + done.stderr)

    def test_sync_of_an_unknown_repository_is_refused(self):
        program = self.configure()
        self.start(program)
        done = program.run("sync", "ap", "--direction", "pull")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("ap", done.stderr)

    def test_identical_requests_that_wait_are_one_sync(self):
        program = self.configure({"every": "8760h"})
        agent, hold = self.start_held(program)
        asked = [program.run("sync", "app", "--direction", "pull", "--branches", "main") for _ in range(3)]
        asked.append(program.run("sync", "app", "--direction", "pull", "--branches", "other"))
        self.assertEqual([done.returncode for done in asked], [0] * 4, asked)
        ids = [re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", done.stdout).group() for done in asked]
        self.assertEqual(len(set(ids[:3])), 1, ids)
        self.assertNotEqual(ids[3], ids[0])
        self.assertEqual(agent.metrics().value("refsyncd_queue_depth"), 2)
        hold.release()
        metrics = agent.wait_metric(SYNCS, 2, policy="_manual", status="completed")
        self.assertEqual(metrics.total(SYNCS, policy="_manual"), 2)
        self.assertEqual(metrics.value("refsyncd_queue_depth"), 0)

    def test_commands_say_when_no_agent_runs(self):
        program = self.configure()
        for command in (["status"], ["history"], ["reload"], ["sync", "app", "--direction", "pull"]):
            with self.subTest(command=command[0]):
                done = program.run(*command)
                self.assertEqual(done.returncode, 69, done.stderr)
                self.assertIn("control.sock", done.stderr)

    def test_a_page_before_an_unknown_sync_is_wrong_usage(self):
        program = self.configure()
        self.start(program).wait_metric(SYNCS, status="completed", policy="app-pull")
        done = program.run("history", "--before", "xx")
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertIn("there is no sync 'xx'", done.stderr)
        oldest = program.history()[-1]["id"]
        self.assertEqual(program.run("history", "--before", oldest).returncode, 0)

    def test_an_answer_that_cannot_be_written_is_a_failure(self):
        program = self.configure()
        self.start(program)
        for command in (["status", "--json"], ["history", "--json"], ["reload"],
                        ["sync", "app", "--direction", "pull", "--json"]):
            with self.subTest(command=command), open("/dev/full", "w") as full:
                done = subprocess.run(program.command(*command), stdout=full, stderr=subprocess.PIPE, text=True)
                self.assertEqual(done.returncode, 70)
                self.assertIn("No space left on device", done.stderr)

    def test_only_our_own_user_may_open_the_socket(self):
        self.start(self.configure())
        self.assertEqual(stat.S_IMODE((self.data / "control.sock").stat().st_mode) & 0o077, 0)


class Stops(Service):
    @local_only("a stop waits for no hosted sync")
    def test_the_second_signal_says_what_it_interrupts(self):
        agent, _ = self.start_held(self.configure())
        agent.signal(signal.SIGINT)
        agent.wait_log("stopping: 1 sync in progress may end within 25s; stop again to interrupt")
        agent.signal(signal.SIGINT)
        self.assertEqual(agent.process.wait(20), 0)
        self.assertEqual(agent.log().count("interrupting 1 sync; what is interrupted goes on at the next start"), 1)

    def test_a_sync_that_somebody_waits_for_goes_on_later_and_is_named(self):
        program = self.configure({"every": "8760h"}, service={"drain": "0s"})
        agent, hold = self.start_held(program)
        waiting = subprocess.Popen(program.command("sync", "app", "--direction", "pull", "--wait", "--json"),
                                   env=program.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(waiting.kill)
        wait_until(lambda: [s["status"] for s in program.history()][:1] == ["queued"], what="the sync accepted")
        self.assertEqual(program.run("status").returncode, 0)  # by now its answer has come
        self.assertEqual(agent.stop(), 0)
        stdout, stderr = waiting.communicate(timeout=60)
        self.assertEqual(waiting.returncode, 69, stderr)
        sync = json.loads(stdout)
        self.assertEqual(sync["status"], "queued")
        self.assertIn(f"the agent stopped before sync {sync['id']} ended; it is kept", stderr)
        hold.release()
        self.start(program)
        wait_until(lambda: [s["status"] for s in program.history() if s["id"] == sync["id"]] == ["completed"],
                   what="the sync goes on")


class ServiceManager(Service):
    def test_the_service_manager_hears_every_step(self):
        notify = self.notify_socket()
        program = self.configure()
        agent = self.start(program, environment={"NOTIFY_SOCKET": str(notify.path), "WATCHDOG_USEC": "400000"})
        wait_until(lambda: notify.has(READY="1"), what="READY=1", describe=agent.log)
        self.assertEqual(agent.get("/healthz")[0], 200)
        wait_until(lambda: sum("WATCHDOG" in m for m in notify.messages) >= 3, what="the watchdog fed")
        wait_until(lambda: any(m.get("STATUS") for m in notify.messages), what="STATUS=")
        for text in (self.configuration(self.server.url(self.app)), "mistake"):
            program.configure(text)
            told = len(notify.messages)
            agent.signal(signal.SIGHUP)
            wait_until(lambda: any("READY" in m for m in notify.messages[told:]), what="READY=1 after a reload")
            reloading = next(m for m in notify.messages[told:] if m.get("RELOADING") == "1")
            self.assertGreater(int(reloading["MONOTONIC_USEC"]), 0)
        self.assertEqual(agent.stop(), 0)
        wait_until(lambda: notify.has(STOPPING="1"), what="STOPPING=1")
        self.assertLess(notify.position(READY="1"), notify.position(STOPPING="1"))


if __name__ == "__main__":
    unittest.main()
