#!/usr/bin/python3
"""The configuration changes while the agent runs."""

import signal
import unittest

from support import http_server
from support.git import branch
from support.hosted import local_only
from support.scenario import Scenario
from support.wait import wait_until

SYNCS = "refsyncd_syncs_total"
RELOADED = "refsyncd_config_last_reload_successful"
MISTAKEN = "service: {data_dir: %s}\nhttp: {listen: '127.0.0.1:0'}\nrepos:\n  app:\n    upstrem: {url: x}\npolicies: []\n"


class Reloads(Scenario):
    def setUp(self):
        super().setUp()
        self.app, self.well = self.upstream("app"), self.upstream("well")
        self.app.commit("main")
        self.well.commit("main")
        self.server = self.http_server()
        self.program_ = self.program(self.one_policy())

    def one_policy(self, **policy):
        return self.configuration(self.server.url(self.app), policy)

    def two_policies(self):
        configuration = self.configuration(self.server.url(self.app), {}, {"repo": "well"})
        configuration["repos"]["well"] = {"upstream": {"url": self.server.url(self.well)}}
        return configuration

    def start_synced(self):
        agent = self.start(self.program_)
        return agent, agent.wait_metric(SYNCS, policy="app-pull", status="completed")


class GoodReloads(Reloads):
    def assert_both_run(self, agent, before):
        """The new policy runs, the old one's series go on, and so does history."""
        metrics = agent.wait_metric(SYNCS, policy="well-pull", status="completed")
        for name in (SYNCS, "refsyncd_refs_total"):
            self.assertGreaterEqual(metrics.total(name, policy="app-pull"), before.total(name, policy="app-pull"))
        self.assertEqual(metrics.value("process_start_time_seconds"), before.value("process_start_time_seconds"))
        self.assertEqual(metrics.value(RELOADED), 1)
        self.assert_in_step(self.mirror("well"), self.well)
        self.assertTrue({"app", "well"} <= {sync["repo"] for sync in self.program_.history()})

    def test_sighup_takes_a_new_policy_in(self):
        agent, before = self.start_synced()
        self.program_.configure(self.two_policies())
        agent.signal(signal.SIGHUP)
        self.assert_both_run(agent, before)

    def test_a_replaced_file_is_noticed_without_a_signal(self):
        agent, before = self.start_synced()
        self.program_.configure(self.two_policies())
        self.assert_both_run(agent, before)

    def test_a_file_written_in_place_is_noticed_without_a_signal(self):
        agent, before = self.start_synced()
        other = self.program_.config_file.with_name("other.yaml")
        self.program_.config_file.rename(other)
        self.program_.configure(self.two_policies())
        text = self.program_.config_file.read_text()
        other.rename(self.program_.config_file)
        with open(self.program_.config_file, "w") as file:
            file.write(text)
        self.assert_both_run(agent, before)

    def test_the_reload_command_waits_for_its_result(self):
        agent, before = self.start_synced()
        self.program_.configure(self.two_policies())
        done = self.program_.run("reload")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(agent.metrics().value(SYNCS, policy="well-pull", direction="pull", status="failed"), 0)
        self.assert_both_run(agent, before)

    def test_a_running_sync_goes_on(self):
        self.server.fault = hold = http_server.Hold(lambda request: request.fetches)
        agent = self.start(self.program_)
        wait_until(hold.held.is_set, what="a sync in the middle", describe=agent.log)
        self.program_.configure(self.two_policies())
        self.assertEqual(self.program_.run("reload").returncode, 0)
        agent.wait_metric("refsyncd_syncs_in_progress", 1)  # a hosted sync is seen to run at the next poll
        hold.release()
        agent.wait_metric(SYNCS, policy="app-pull", status="completed")
        self.assertEqual(self.program_.history()[-1]["attempt"], 1)
        self.assertEqual(self.program_.history()[-1]["status"], "completed")
        self.assertEqual(agent.metrics().total("refsyncd_attempt_failures_total"), 0)

    def test_a_policy_that_goes_away_stops_and_its_mirror_stays(self):
        self.program_.configure(self.two_policies())
        agent = self.start(self.program_)
        agent.wait_metric(SYNCS, policy="well-pull", status="completed")
        self.program_.configure(self.one_policy())
        self.assertEqual(self.program_.run("reload").returncode, 0)
        requests = [r for r in self.server.requests if "well" in r.target]
        done = agent.metrics().total(SYNCS, policy="app-pull")
        agent.wait_metric(SYNCS, done + 2, policy="app-pull")
        self.assertLessEqual(len([r for r in self.server.requests if "well" in r.target]), len(requests) + 2)
        self.assertEqual(agent.metrics().total("refsyncd_last_success_timestamp_seconds", policy="well-pull"), 0)
        self.assert_in_step(self.mirror("well"), self.well)

    def test_a_policy_that_comes_back_shows_at_once_what_it_remembers(self):
        both = self.two_policies()
        both["policies"][1]["every"] = "8760h"
        self.program_.configure(both)
        agent = self.start(self.program_)
        agent.wait_metric(SYNCS, policy="well-pull", status="completed")
        success = "refsyncd_last_success_timestamp_seconds"
        before = agent.wait_metric(success, policy="well-pull").value(success, policy="well-pull")
        for configuration in (self.one_policy(), both):
            self.program_.configure(configuration)
            self.assertEqual(self.program_.run("reload").returncode, 0)
        self.assertEqual(agent.metrics().value(success, policy="well-pull"), before)


    def test_what_waits_for_a_restart_keeps_nothing_else_from_taking_effect(self):
        agent, before = self.start_synced()
        self.program_.configure(self.two_policies() | {"metrics": {"max_policies": 7}})
        self.assertEqual(self.program_.run("reload").returncode, 0)
        agent.wait_log("metrics has changed; restart the agent to use it")
        self.assert_both_run(agent, before)


class BadReloads(Reloads):
    def assert_refused(self, agent, place):
        wait_until(lambda: agent.metrics().value(RELOADED) == 0, what="the reload refused", describe=agent.log)
        agent.wait_log(f"{self.program_.config_file}:{place}")  # which is written a little later
        newest = self.app.commit("main")
        wait_until(lambda: self.mirror().value(branch("main")) == newest, what="the old policy running",
                   describe=agent.log)

    def test_a_mistake_changes_nothing_and_is_told_with_its_place(self):
        agent, _ = self.start_synced()
        self.program_.configure(MISTAKEN % self.data)
        agent.signal(signal.SIGHUP)
        self.assert_refused(agent, "5:5")
        self.program_.configure(self.one_policy())
        agent.signal(signal.SIGHUP)
        wait_until(lambda: agent.metrics().value(RELOADED) == 1, what="the reload accepted", describe=agent.log)

    @local_only("the hosting one would have to change, too")
    def test_what_cannot_change_while_the_agent_runs_is_refused_with_its_place(self):
        agent, _ = self.start_synced()
        configuration = self.two_policies()
        configuration["service"]["org"] = "elsewhere"
        self.program_.configure(configuration)
        done = self.program_.run("reload")
        line = next(number for number, text in enumerate(self.program_.config_file.read_text().splitlines(), 1)
                    if '"org"' in text)
        self.assertEqual((done.returncode, done.stdout), (78, ""))
        self.assertIn(f"config.yaml:{line}:12: service.org cannot change while the agent runs; restart it",
                      done.stderr)
        self.assert_refused(agent, f"{line}:12: ")
        self.assertFalse(self.mirror("well").path.exists())

    def test_a_mistake_in_a_changed_file_needs_no_signal(self):
        agent, _ = self.start_synced()
        self.program_.configure(MISTAKEN % self.data)
        self.assert_refused(agent, "5:5")

    def test_a_half_written_file_is_refused(self):
        agent, _ = self.start_synced()
        self.program_.configure(self.program_.config_file.read_text()[:-20])
        agent.signal(signal.SIGHUP)
        self.assert_refused(agent, "")

    def test_a_file_that_is_gone_is_refused(self):
        agent, _ = self.start_synced()
        self.program_.config_file.unlink()
        agent.signal(signal.SIGHUP)
        self.assert_refused(agent, "")

    def test_the_reload_command_tells_the_mistake_and_fails(self):
        agent, _ = self.start_synced()
        self.program_.configure(MISTAKEN % self.data)
        done = self.program_.run("reload")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("config.yaml:5:5: ", done.stdout + done.stderr)
        self.assertIn("upstream", done.stdout + done.stderr)
        self.assert_refused(agent, "5:5")


if __name__ == "__main__":
    unittest.main()
