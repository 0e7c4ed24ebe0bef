#!/usr/bin/python3
"""The agent stops in the middle of its work, wanted or not, and comes back."""

import os
import signal
import subprocess
import time
import unittest

from support import http_server
from support.git import branch
from support.hosted import CHOSEN as HOSTED, local_only
from support.scenario import Scenario
from support.wait import wait_until

SYNCS = "refsyncd_syncs_total"


class Stops(Scenario):
    def setUp(self):
        super().setUp()
        self.app = self.upstream()
        self.tip = self.app.commit("main", files={"big": os.urandom(300_000)})
        self.server = self.http_server()

    def configure(self, **sections):
        return self.program(self.configuration(self.server.url(self.app), **sections))

    def start_held(self, program, matching=lambda request: request.fetches):
        """Starts an agent, and returns it with the fault once a sync waits in the middle for its upstream."""
        self.server.fault = http_server.Hold(matching)
        agent = self.start(program)
        wait_until(self.server.fault.held.is_set, what="a sync in the middle", describe=agent.log)
        return agent, self.server.fault

    def assert_recovered(self, agent):
        agent.wait_metric(SYNCS, policy="app-pull", status="completed")
        self.assertEqual(self.mirror().value(branch("main")), self.app.value(branch("main")))

    def assert_nothing_left(self, agent):
        self.assertEqual(agent.stop(), 0)
        self.server.close()
        self.assert_no_children()
        self.assert_sound(self.mirror())


class Crashes(Stops):
    @local_only("a hosted sync is not cut with the agent")
    def test_a_sync_cut_by_kill_9_runs_again_as_its_second_attempt(self):
        program = self.configure()
        agent, hold = self.start_held(program)
        agent.kill()
        self.server.fault = http_server.Fault()
        agent = self.start(program)
        self.assert_recovered(agent)
        first = program.history()[-1]
        self.assertEqual((first["status"], first["attempt"]), ("completed", 2))
        self.assert_nothing_left(agent)

    def test_queued_and_interrupted_syncs_both_survive_kill_9(self):
        well = self.upstream("well")
        well.commit("main")
        configuration = self.configuration(self.server.url(self.app), {}, {"repo": "well"}, service={"concurrency": 1})
        configuration["repos"]["well"] = {"upstream": {"url": self.server.url(well)}}
        program = self.program(configuration)
        agent, hold = self.start_held(program)
        agent.wait_metric("refsyncd_queue_depth")
        agent.kill()
        self.server.fault = http_server.Fault()
        hold.release()
        agent = self.start(program)
        for policy in ("app-pull", "well-pull"):
            agent.wait_metric(SYNCS, policy=policy, status="completed")
        oldest = {}
        for sync in program.history():  # newest first
            oldest[sync["repo"]] = sync
        interrupted = 1 if HOSTED else 2  # a hosted sync went on meanwhile
        self.assertEqual(sorted(sync["attempt"] for sync in oldest.values()), [1, interrupted])
        self.assert_in_step(self.mirror("well"), well)
        self.assert_recovered(agent)
        self.assert_nothing_left(agent)

    def test_kill_9_at_many_moments_never_needs_help(self):
        program = self.configure(log={"level": "debug"})
        for moment in range(10):
            self.app.commit("main")
            seen = len(self.server.requests)
            agent = self.start(program, wait=False)
            wait_until(lambda: len(self.server.requests) >= seen + moment % 5 or agent.process.poll() is not None, 15,
                       "some requests", agent.log)
            agent.kill()
        self.app.commit("main")
        if not HOSTED:  # whose git is not killed with the agent
            self.mirror_wedged_by_a_killed_git()
        agent = self.start(program)
        agent.wait_metric(SYNCS, 2, policy="app-pull", status="completed")
        self.assertEqual(agent.metrics().total("refsyncd_attempt_failures_total"), 0, agent.log())
        self.assert_recovered(agent)
        self.assert_nothing_left(agent)

    def mirror_wedged_by_a_killed_git(self):
        """Leaves what a killed git was seen to leave: each of the locks alone makes every later update fail. They
        are known for ours by the mark of the killed sync; a temporary pack may be anybody's while it is young."""
        mirror = self.mirror().path
        if mirror.exists():
            (mirror / "refsyncd-in-use").unlink(missing_ok=True)
            for name in ("refsyncd-in-use", "packed-refs.lock", "packed-refs.new", "refs/heads/main.lock", "HEAD.lock",
                         "objects/pack/tmp_pack_x7Jk2A"):
                (mirror / name).parent.mkdir(parents=True, exist_ok=True)
                if not (mirror / name).exists():
                    (mirror / name).write_text("1" if name == "refsyncd-in-use" else "")
            seven_hours_ago = time.time() - 7 * 3600
            os.utime(mirror / "objects/pack/tmp_pack_x7Jk2A", (seven_hours_ago, seven_hours_ago))

    def test_a_second_agent_on_the_same_data_says_who_has_it(self):
        program = self.configure()
        agent = self.start(program)
        for command in ("run", "once"):
            second = program.run(command)
            self.assertEqual(second.returncode, 75, second.stderr)
            self.assertIn(str(agent.pid), second.stderr)
        self.assert_recovered(agent)

    def test_the_data_folder_is_free_again_after_kill_9(self):
        program = self.configure()
        self.start(program).kill()
        self.assertEqual(program.run("once").returncode, 0)


class Drains(Stops):
    @local_only("a stop does not wait for syncs that run elsewhere")
    def test_sigterm_lets_the_running_sync_end(self):
        notify = self.notify_socket()
        self.server.fault = hold = http_server.Hold(lambda request: request.fetches)
        agent = self.start(self.configure(), environment={"NOTIFY_SOCKET": str(notify.path)})
        wait_until(hold.held.is_set, what="a sync in the middle", describe=agent.log)
        agent.signal(signal.SIGTERM)
        wait_until(lambda: notify.has(STOPPING="1"), what="STOPPING=1", describe=agent.log)
        self.assertIsNone(agent.process.poll())
        hold.release()
        self.assertEqual(agent.process.wait(30), 0, agent.log())
        self.assertEqual(self.mirror().value(branch("main")), self.tip)
        self.assert_sound(self.mirror())

    @local_only("a stop does not wait for syncs that run elsewhere")
    def test_a_sync_that_outlasts_the_drain_is_stopped_and_runs_again_later(self):
        for signals, drain in ((1, "300ms"), (2, "60s")):
            with self.subTest(signals=signals):
                program = self.configure(service={"drain": drain})
                agent, _ = self.start_held(program)
                for _ in range(signals):
                    agent.signal(signal.SIGTERM)
                    agent.wait_log("stop")
                self.assertEqual(agent.process.wait(30), 0, agent.log())
                self.assert_no_children()
                self.server.fault = http_server.Fault()
                agent = self.start(program)
                self.assert_recovered(agent)
                self.assertIn(2, [sync["attempt"] for sync in program.history()])
                self.assertEqual(agent.stop(), 0)
                self.assert_sound(self.mirror())
                self.app.commit("main")

    @local_only("a hosted sync goes on without who asked for it")
    def test_once_that_is_interrupted_leaves_nothing_behind(self):
        self.server.fault = hold = http_server.Hold(lambda request: request.fetches)
        program = self.configure()
        once = subprocess.Popen(program.command("once"), env=program.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(once.kill)
        wait_until(hold.held.is_set, what="a sync in the middle")
        once.send_signal(signal.SIGINT)
        self.assertEqual(once.wait(30), 1)
        self.assert_no_children()
        self.assertEqual(self.scratch_leftovers(), [])

    def test_sigint_stops_an_idle_agent(self):
        agent = self.start(self.configure(defaults={"every": "8760h"}))
        agent.signal(signal.SIGINT)
        self.assertEqual(agent.process.wait(30), 0, agent.log())


if __name__ == "__main__":
    unittest.main()
