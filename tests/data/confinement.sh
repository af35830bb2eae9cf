# What a process can tell of its confinement, in sections that are compared line by line.
section() { echo "== $1"; }
section status
grep -E '^(Umask|Uid|Gid|Groups|NS|Sig|Shd|Cap|NoNew|Seccomp|TracerPid|Threads)' /proc/self/status |
    grep -vE '^(SigQ|NSpid|NStgid|NSpgid|NSsid|ShdPnd|SigPnd)'
section init
grep -E '^(Uid|Gid|Groups|Cap|NoNew|Seccomp|SigIgn|SigBlk)' /proc/1/status
section limits; cat /proc/self/limits
section environment; env | sort | grep -vE '^(SHLVL|PWD|OLDPWD)='
section devices; ls -ln /dev | awk '{print $1, $3, $4, $5, $6, $NF, $(NF-1), $(NF-2)}' | sed 's/[0-9]*:[0-9]*//'
section mounts; cat /proc/self/mountinfo
section masked
for f in /proc/kcore /proc/keys /proc/timer_list /proc/sched_debug /proc/acpi /proc/scsi /proc/asound \
    /proc/interrupts /proc/latency_stats /sys/firmware /sys/devices/virtual/powercap; do
    [ -e $f ] && echo "$f $(cat $f 2>/dev/null | head -c 10 | wc -c) $(ls $f 2>/dev/null | grep -v $f | wc -l)"
done
section sysctls
cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range
cat /proc/sys/kernel/shmmax /proc/sys/fs/mqueue/queues_max
section process
cut -d' ' -f4-8 /proc/1/stat
cat /proc/1/oom_score_adj /proc/1/coredump_filter /proc/1/comm
section refused
(mount -t tmpfs x /mnt; echo 1 >/proc/sys/kernel/panic; mknod /x b 8 0; cat /x; dd if=/dev/mem count=1
 mkdir -p /d && unshare -U true; chroot / true && echo chrooted; hostname x; rm -f /x) 2>&1 |
    sed -E 's/^[^:]*sh: //; s/line [0-9]+: //'
section files; cat /etc/hosts | sed -E 's/^(172|10)\.[0-9.]+/ADDRESS/'; ls -l /etc/hostname /etc/hosts | cut -c1-10
section links; ls /sys/class/net; cat /sys/class/net/lo/operstate
section end
