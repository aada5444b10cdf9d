;; What the optimizer does over flat vectors: one pass, four lanes. Every operation rounds to float32 as ONNX Runtime's do,
;; so that the graph of src/train/loopGraph.ts gives the same bits (test/train/adamW.test.ts). `npm run kernel` assembles
;; this file into vectorKernel.ts.
(module
  (memory (export "memory") 16)

  ;; Adds the n float32 values at $from to those at $to; n is a multiple of 4.
  (func (export "add") (param $to i32) (param $from i32) (param $n i32) (local $end i32)
    (local.set $end (i32.add (local.get $to) (i32.shl (local.get $n) (i32.const 2))))
    (loop $next
      (v128.store (local.get $to) (f32x4.add (v128.load (local.get $to)) (v128.load (local.get $from))))
      (local.set $to (i32.add (local.get $to) (i32.const 16)))
      (local.set $from (i32.add (local.get $from) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $to) (local.get $end)))))

  ;; One AdamW step over n float32 values that lie at p, m, v (updated in place) and g, as byte addresses; n is a multiple
  ;; of 4.
  ;;   m = beta1 m + gain g
  ;;   v = beta2 v + (power g) g
  ;;   p = decay p - (rate m) / (spread sqrt(v) + epsilon)
  (func (export "step")
    (param $p i32) (param $m i32) (param $v i32) (param $g i32) (param $n i32)
    (param $beta1 f32) (param $gain f32) (param $beta2 f32) (param $power f32)
    (param $spread f32) (param $epsilon f32) (param $rate f32) (param $decay f32)
    (local $end i32) (local $x v128) (local $newM v128) (local $newV v128)
    (local.set $end (i32.add (local.get $p) (i32.shl (local.get $n) (i32.const 2))))
    (loop $next
      (local.set $x (v128.load (local.get $g)))
      (local.set $newM
        (f32x4.add
          (f32x4.mul (v128.load (local.get $m)) (f32x4.splat (local.get $beta1)))
          (f32x4.mul (local.get $x) (f32x4.splat (local.get $gain)))))
      (local.set $newV
        (f32x4.add
          (f32x4.mul (v128.load (local.get $v)) (f32x4.splat (local.get $beta2)))
          (f32x4.mul (f32x4.mul (local.get $x) (f32x4.splat (local.get $power))) (local.get $x))))
      (v128.store (local.get $m) (local.get $newM))
      (v128.store (local.get $v) (local.get $newV))
      (v128.store (local.get $p)
        (f32x4.sub
          (f32x4.mul (v128.load (local.get $p)) (f32x4.splat (local.get $decay)))
          (f32x4.div
            (f32x4.mul (local.get $newM) (f32x4.splat (local.get $rate)))
            (f32x4.add
              (f32x4.mul (f32x4.sqrt (local.get $newV)) (f32x4.splat (local.get $spread)))
              (f32x4.splat (local.get $epsilon))))))
      (local.set $p (i32.add (local.get $p) (i32.const 16)))
      (local.set $m (i32.add (local.get $m) (i32.const 16)))
      (local.set $v (i32.add (local.get $v) (i32.const 16)))
      (local.set $g (i32.add (local.get $g) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $p) (local.get $end))))))
