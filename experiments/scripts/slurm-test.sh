#!/bin/bash
# A sweep on a real Slurm: controller and node on this machine, in a folder of their own. One task is preempted, one
# killed, one fails; the sweep must end complete, with the bytes of a sweep without any of this.
#   experiments/scripts/slurm-test.sh BRED
# Needs root, and Debian's slurm-wlm and munge; no other Slurm may run here.
set -u
cd "$(dirname "$0")/../.."
bred=$(realpath "${1:-.build/release/bred}")
root=$(pwd)
for program in slurmctld slurmd sbatch munged; do
  PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || {
    echo "slurm-test: $program is missing: apt-get install slurm-wlm munge" >&2
    exit 1
  }
done
[ "$(id -u)" = 0 ] || { echo "slurm-test: must be run by root" >&2; exit 1; }
PATH=$PATH:/usr/sbin
here=$(mktemp -d)
chmod 755 "$here"
export SLURM_CONF=$here/slurm.conf
say() { echo "slurm-test: $*"; }
fail() { say "FAILED: $*"; squeue -a; tail -n 5 "$here"/sweep/logs/*.log "$here/ctld.log"; exit 1; }
cleanup() {
  scancel --user=root >/dev/null 2>&1
  for pid in "$here"/*.pid; do [ -f "$pid" ] && kill "$(cat "$pid")" 2>/dev/null; done
  sleep 1
  [ "${KEEP:-}" ] || rm -rf "$here"
}
trap cleanup EXIT

# The cluster: two processors; jobs of partition `urgent` take the place of those of `work`.
mkdir -p "$here/munge" "$here/state" "$here/spool"
chown munge "$here/munge"
chmod 700 "$here/munge"
dd if=/dev/urandom of="$here/munge/key" bs=1 count=1024 2>/dev/null
chown munge "$here/munge/key"
chmod 400 "$here/munge/key"
node=$(hostname -s)
cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$here/munge/socket
CredType=cred/munge
StateSaveLocation=$here/state
SlurmdSpoolDir=$here/spool
SlurmctldPidFile=$here/slurmctld.pid
SlurmdPidFile=$here/slurmd.pid
SlurmctldLogFile=$here/ctld.log
SlurmdLogFile=$here/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=20
MinJobAge=3600
ReturnToService=2
SchedulerParameters=sched_interval=1,batch_sched_delay=0
NodeName=$node NodeAddr=127.0.0.1 CPUs=2 RealMemory=2000 State=UNKNOWN
PartitionName=work Nodes=$node Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=10
PartitionName=urgent Nodes=$node MaxTime=INFINITE State=UP PriorityTier=9 PreemptMode=OFF
CONF
setpriv --reuid munge --regid munge --clear-groups munged --force --socket="$here/munge/socket" \
  --key-file="$here/munge/key" --pid-file="$here/munge/munged.pid" --log-file="$here/munge/log" \
  --seed-file="$here/munge/seed" || fail "munged does not start"
cp "$here/munge/munged.pid" "$here/munged.pid"
chmod 755 "$here/munge"
slurmctld || fail "slurmctld does not start"
slurmd || fail "slurmd does not start"
for _ in $(seq 30); do sinfo -h -o %T 2>/dev/null | grep -q idle && break; sleep 1; done
sinfo -h -o %T | grep -q idle || fail "the node does not come up: $(sinfo -h)"

cat >"$here/sweep.yaml" <<YAML
name: slurm
tasks: [halfcheetah-medium-v2]
methods: [bred, cql-ft]
seeds: [0, 1]
datasets:
  halfcheetah-medium-v2: $root/experiments/datasets/halfcheetah-demo.hdf5
set:
  networks: {hiddenUnits: 32}
  offline: {members: 2, gradientSteps: 40000, epochSteps: 5000, cql: {batchSize: 32}}
  distillation: {epochs: 4, epochSteps: 200}
  online: {environmentSteps: 6000, firstBlockMultiplier: 1, finalTimestep: 5000}
  evaluation: {episodes: 1, interval: 2}
YAML
say "the same sweep without Slurm"
"$bred" sweep run "$here/sweep.yaml" --output "$here/plain" --quiet || fail "the plain sweep"

# What fails: a file lies where the last agent's directory should be, until it has failed once.
"$bred" sweep slurm "$here/sweep.yaml" --output "$here/sweep" --partition work --cpus 1 --memory 100M \
  --time 1:00:00 --dry-run >"$here/scripts" || fail "dry run"
bash -n "$here/sweep/slurm/agent.sh" || fail "the script is not one"
last=$(tail -n 1 "$here/sweep/slurm/agent.list")
echo "in the way" >"$here/sweep/stages/$last"
say "submitted:"
"$bred" sweep slurm "$here/sweep.yaml" --output "$here/sweep" --partition work --cpus 1 --memory 100M \
  --time 1:00:00 || fail "submission"

running() { squeue -h -p work -t R -o %i | wc -l; }
for _ in $(seq 60); do [ "$(running)" -ge 2 ] && break; sleep 0.5; done
sleep 1
first=$(head -n 1 "$here/sweep/slurm/agent.list")
say "killing the process of $first"
pkill -9 -f "sweep job '*$here/sweep'* $first" || fail "nothing to kill"
sleep 2
say "preempting what runs"
urgent=$(sbatch --parsable -p urgent -n 2 --mem=200M -o /dev/null --wrap "sleep 5") || fail "sbatch"
preempted=0
failures=0
for _ in $(seq 1800); do
  [ "$(squeue -h -j "$urgent" -t R 2>/dev/null | wc -l)" = 1 ] && preempted=1
  if [ -f "$here/sweep/stages/$last" ] && grep -q '"failed"' "$here/sweep/claims/$last"/*.json 2>/dev/null; then
    say "$last has failed once; its way is free now"
    failures=1
    rm "$here/sweep/stages/$last"
  fi
  [ -z "$(squeue -h -p work -o %i)" ] && break
  sleep 0.5
done
[ -z "$(squeue -h -p work -o %i)" ] || fail "the arrays do not end"
"$bred" sweep status "$here/sweep" | tail -n 1
[ "$preempted" = 1 ] || fail "nothing was preempted"
[ "$failures" = 1 ] || fail "nothing failed"
grep -q "queued again" "$here"/sweep/logs/slurm-agent-*.log || fail "no task was queued again"
"$bred" sweep status "$here/sweep" --json | grep -q '"failed":0' || fail "a job failed in the end"
"$bred" sweep status "$here/sweep" | tail -n 1 | grep -q '^\([0-9]*\) of \1 jobs done' || fail "not complete"
for policy in $(cd "$here/plain" && find stages runs -name '*.safetensors' -path '*weights*'); do
  cmp "$here/plain/$policy" "$here/sweep/$policy" || fail "$policy differs"
done
say "complete: one task preempted, one killed, one failed; same bytes as without"
