#!/usr/bin/env bash
# Brings what building with `--features cuda` needs, without a GPU and without rights: NVIDIA's
# compiler and libraries from Python wheels, and a stand-in for the driver's library to link with.
#
#     scripts/cuda-toolkit.sh [FOLDER]
#
# The last line on stdout is the file to source before cargo. Where an nvcc is installed, that one
# is used instead. CUDA_COMPUTE_CAP (80: Ampere) is the oldest GPU that the result runs on;
# WITH_CUDNN=1 brings cuDNN, too. Does nothing where all is there.
set -euo pipefail

# One release, CUDA 13.0 Update 2: its parts have to fit each other.
WHEELS=(
    nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88
    nvidia-cuda-nvrtc==13.0.88 nvidia-cuda-runtime==13.0.96 nvidia-cuda-cccl==13.0.85
    nvidia-cublas==13.1.0.3 nvidia-curand==10.4.0.35
)
CUDNN_WHEELS=(nvidia-cudnn-cu13==9.21.1.3)

say() { echo "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

if (($# > 1)) || [[ ${1:-} == -* ]]; then
    say "usage: scripts/cuda-toolkit.sh [FOLDER]" && exit 2
fi
if [[ $(uname -s) != Linux || $(uname -m) != x86_64 ]]; then
    fail "The CUDA toolkit can be brought to Linux on x86-64 only, and this is $(uname -s) on" \
        "$(uname -m). With a toolkit of NVIDIA's installed, cargo build --release --features cuda" \
        "may work; on a Mac take --features metal."
fi
FOLDER=$(realpath -m -- "${1:-${XDG_CACHE_HOME:-$HOME/.cache}/mondegreen/cuda-toolkit}")
if [[ $FOLDER == *[[:space:]]* ]]; then
    fail "cargo's RUSTFLAGS can't name a folder with a space: $FOLDER. Name another one."
fi
mkdir -p "$FOLDER/link"
CAPABILITY=${CUDA_COMPUTE_CAP:-80}
if ! [[ $CAPABILITY =~ ^[0-9]{2,3}$ ]] || ((CAPABILITY < 75)); then
    fail "CUDA_COMPUTE_CAP is the GPU's compute capability without its dot, 75 or more (80, 90)," \
        "not '$CAPABILITY'."
fi

# The folder above an installed compiler's bin/; ours does not count.
installed() {
    local nvcc root
    for nvcc in "$(type -P nvcc || true)" \
        "${CUDA_HOME:+$CUDA_HOME/bin/nvcc}" /usr/local/cuda/bin/nvcc /opt/cuda/bin/nvcc; do
        [[ -n $nvcc && -x $nvcc ]] || continue
        root=$(dirname "$(dirname "$(readlink -f "$nvcc")")")
        if [[ $root != "$FOLDER"/* && -f $root/include/cuda.h ]]; then
            echo "$root"
            return
        fi
    done
}

wheels() {
    local wanted=("${WHEELS[@]}") python=${PYTHON:-python3} noted="$FOLDER/wheels.txt"
    if [[ -n ${WITH_CUDNN:-} ]]; then wanted+=("${CUDNN_WHEELS[@]}"); fi
    # Whoever has cuDNN already needs nothing when it is not asked for.
    if [[ -f $noted && -z $(comm -23 <(printf '%s\n' "${wanted[@]}" | sort) "$noted") ]]; then
        return
    fi
    say "Fetching the CUDA toolkit (about 1 GB) into $FOLDER"
    rm -f "$noted"
    if ! [[ -x $FOLDER/venv/bin/python ]] || ! "$FOLDER/venv/bin/python" -m pip --version >&2; then
        rm -rf "$FOLDER/venv"
        "$python" -m venv "$FOLDER/venv" ||
            fail "$python can't make a virtual environment; Debian's package is python3-venv."
    fi
    "$FOLDER/venv/bin/python" -m pip --disable-pip-version-check install --no-deps \
        --only-binary=:all: "${wanted[@]}" >&2 || fail "The wheels could not be fetched (above is" \
        "pip's reason). Try again, or install a toolkit of NVIDIA's."
    printf '%s\n' "${wanted[@]}" | sort >"$noted"
}

# Wheels have neither executable bits nor the names that linkers look for.
complete() {
    local root=$1 library plain
    chmod +x "$root"/bin/* "$root"/nvvm/bin/*
    for library in "$root"/lib/lib*.so.*; do
        plain=${library%%.so.*}.so
        [[ -e $plain ]] || ln -s "$(basename "$library")" "$plain"
    done
}

# The driver comes with the GPU; linking needs only the names that are in it. Each function says
# CUDA_ERROR_STUB_LIBRARY (34), should somebody load it by mistake.
driver_stub() {
    local include=$1 stub="$FOLDER/link/libcuda.so" headers
    headers=("$include/cuda.h")
    [[ ! -f $include/cudaTypedefs.h ]] || headers+=("$include/cudaTypedefs.h")
    [[ ! -f $stub || ${headers[0]} -nt $stub ]] || return 0
    command -v gcc >/dev/null || fail "gcc is missing; Debian's package is gcc."
    grep -ohE '\bcu[A-Z][A-Za-z0-9_]*' "${headers[@]}" | sort -u |
        sed 's/.*/int &(void) { return 34; }/' >"$FOLDER/link/cuda.c"
    gcc -shared -fPIC -Wl,-soname,libcuda.so.1 \
        -o "$stub.part" "$FOLDER/link/cuda.c"
    mv "$stub.part" "$stub"
}

# Into folders of fixed names, so that cargo's flags, and with them all that was built, stay the
# same whether or not cuDNN is there.
cudnn() {
    local wheel
    wheel=$(echo "$FOLDER"/venv/lib/python3.*/site-packages/nvidia/cudnn)
    [[ -d $wheel/lib ]] || return 0
    ln -sfn "$wheel/lib" "$FOLDER/cudnn"
    ln -sf "$FOLDER/cudnn/libcudnn.so.9" "$FOLDER/link/libcudnn.so"
}

root=$(installed)
if [[ -n $root ]]; then
    say "Using the CUDA toolkit that is installed: $root"
    libraries=$root/lib64
    [[ -d $libraries ]] || libraries=$root/lib
else
    wheels
    root=$(echo "$FOLDER"/venv/lib/python3.*/site-packages/nvidia/cu13)
    [[ -f $root/nvvm/bin/cicc ]] ||
        fail "The wheels hold no compiler at $root. Delete $FOLDER and try again."
    complete "$root"
    libraries=$root/lib
fi
driver_stub "$root/include"
cudnn
"$root/bin/nvcc" --version >/dev/null || fail "$root/bin/nvcc does not run."

# The libraries of the wheels are in no place where the system looks: the program remembers where
# they are. The driver's stand-in is not among them, so that only a real driver is ever loaded.
cat >"$FOLDER/env.sh.part" <<TEXT
# Source this before \`cargo build --features cuda\`. Written by scripts/cuda-toolkit.sh.
export CUDA_HOME=$root CUDA_PATH=$root
export CUDA_COMPUTE_CAP=\${CUDA_COMPUTE_CAP:-$CAPABILITY}
export PATH=$root/bin:\$PATH
export LIBRARY_PATH=$libraries:$FOLDER/link\${LIBRARY_PATH:+:\$LIBRARY_PATH}
RUSTFLAGS="\${RUSTFLAGS:+\$RUSTFLAGS }-L native=$libraries -L native=$FOLDER/link"
export RUSTFLAGS="\$RUSTFLAGS -C link-arg=-Wl,-rpath,$libraries:$FOLDER/cudnn"
TEXT
mv "$FOLDER/env.sh.part" "$FOLDER/env.sh"
echo "$FOLDER/env.sh"
