#!/usr/bin/env bash
# Prepares a rented GPU machine: code, environment and caches on the persistent disk, so that the
# next machine with that disk starts in seconds. Safe to run again.
#
#   usage: bash shell_scripts/runpod_setup.sh [PERSISTENT_DISK]     (default: /workspace)
set -euo pipefail

disk="${1:-/workspace}"
repository="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

if [[ ! -d "$disk" || ! -w "$disk" ]]; then
  echo "There is no writable folder $disk. Give the persistent disk's folder as the argument." >&2
  exit 2
fi
if ! command -v nvidia-smi >/dev/null || ! nvidia-smi --query-gpu=name,memory.total --format=csv,noheader; then
  echo "No NVIDIA GPU answers here: training will run on the CPU." >&2
fi

mkdir -p "$disk"/{caches,environments,data,weights_CL}

settings="$disk/dataparams.env"
cat >"$settings" <<SETTINGS
export UV_CACHE_DIR="$disk/caches/uv"
export UV_PROJECT_ENVIRONMENT="$disk/environments/dataparams"
export UV_LINK_MODE=copy
export HF_HOME="$disk/caches/huggingface"
export TORCH_HOME="$disk/caches/torch"
export TORCHINDUCTOR_CACHE_DIR="$disk/caches/inductor"
SETTINGS
# shellcheck source=/dev/null
source "$settings"

line="source \"$settings\""
touch "$HOME/.bashrc"
grep -qxF "$line" "$HOME/.bashrc" || echo "$line" >>"$HOME/.bashrc"

command -v uv >/dev/null || python3 -m pip install --quiet uv
cd "$repository"
uv sync
for folder in data weights_CL; do
  [[ -e "$folder" ]] || ln -s "$disk/$folder" "$folder"
done

uv run python -c "import torch; print('torch', torch.__version__, 'CUDA', torch.cuda.is_available())"
echo "Ready. In a new shell, or after '$line':"
echo "  uv run python main_cifar.py --learn_inst_parameters --rand_fraction 0.4 --exp_prefix first --amp bf16 --compile"
