// camera_demo: what the camera sees, in the words of the model: a line per frame over Serial, with a small picture.
//
// `mcu build BUNDLE --sketch DIR --sketch-kind camera_demo --board B` writes this file with the model, the board's
// camera pins and all it needs into DIR. Upload it, then watch it with `mcu monitor PORT` or any serial monitor.
#include <Arduino.h>
#include <esp_camera.h>
#include <stdio.h>

#include "src/kt_arduino.h"
#include "src/kt_camera.h"
#include "src/kt_camera_facts.h"

static const char *const labels[KT_CAMERA_CLASSES] = {KT_CAMERA_LABELS};
static const int8_t table[] = {KT_CAMERA_TABLE};
static const kt_board_app *app;

static void say(const char *line)
{
    Serial.print(line);
    Serial.print("\r\n");
}

static bool start_camera()
{
    camera_config_t config = camera_config_t();
    config.pin_pwdn = KT_CAMERA_PIN_PWDN;
    config.pin_reset = KT_CAMERA_PIN_RESET;
    config.pin_xclk = KT_CAMERA_PIN_XCLK;
    config.pin_sccb_sda = KT_CAMERA_PIN_SDA;
    config.pin_sccb_scl = KT_CAMERA_PIN_SCL;
    config.pin_d0 = KT_CAMERA_PIN_D0;
    config.pin_d1 = KT_CAMERA_PIN_D1;
    config.pin_d2 = KT_CAMERA_PIN_D2;
    config.pin_d3 = KT_CAMERA_PIN_D3;
    config.pin_d4 = KT_CAMERA_PIN_D4;
    config.pin_d5 = KT_CAMERA_PIN_D5;
    config.pin_d6 = KT_CAMERA_PIN_D6;
    config.pin_d7 = KT_CAMERA_PIN_D7;
    config.pin_vsync = KT_CAMERA_PIN_VSYNC;
    config.pin_href = KT_CAMERA_PIN_HREF;
    config.pin_pclk = KT_CAMERA_PIN_PCLK;
    config.xclk_freq_hz = 20000000; // Hz, of the OV2640
    config.ledc_timer = LEDC_TIMER_0;
    config.ledc_channel = LEDC_CHANNEL_0;
    config.pixel_format = KT_CAMERA_CHANNELS == 1 ? PIXFORMAT_GRAYSCALE : PIXFORMAT_RGB565;
    config.frame_size = FRAMESIZE_QVGA;
    config.fb_count = 1;
    config.fb_location = CAMERA_FB_IN_PSRAM; // 150 KB of RGB565
    config.grab_mode = CAMERA_GRAB_WHEN_EMPTY;
    return esp_camera_init(&config) == ESP_OK;
}

void setup()
{
    kt_arduino_begin();
    app = kt_app();
    while (!start_camera()) {
        say("camera: does not start; is it plugged in?");
        delay(2000);
    }
}

// The frame as the model's input, and a small grey picture of it for people.
static void look(const kt_camera_frame &frame)
{
    const kt_tensor &input = app->inputs[0];
    uint8_t *const pixels = reinterpret_cast<uint8_t *>(input.data);
    kt_camera_resize(&frame, pixels, KT_CAMERA_WIDTH, KT_CAMERA_HEIGHT, KT_CAMERA_CHANNELS);
    kt_camera_quantize(input.data, KT_CAMERA_WIDTH * KT_CAMERA_HEIGHT, KT_CAMERA_CHANNELS, table);
    static uint8_t small[KT_CAMERA_PREVIEW_WIDTH * KT_CAMERA_PREVIEW_HEIGHT];
    static char line[32 + 2 * sizeof small];
    kt_camera_resize(&frame, small, KT_CAMERA_PREVIEW_WIDTH, KT_CAMERA_PREVIEW_HEIGHT, 1);
    if (kt_camera_preview(line, sizeof line, small, KT_CAMERA_PREVIEW_WIDTH, KT_CAMERA_PREVIEW_HEIGHT) > 0) {
        say(line);
    }
}

static void tell(uint32_t latency_us)
{
    const int8_t *const scores = static_cast<const int8_t *>(app->outputs[0].data);
    const int32_t best = kt_camera_best(scores, KT_CAMERA_CLASSES);
    const float score = static_cast<float>(scores[best] - KT_CAMERA_SCORE_ZERO) * KT_CAMERA_SCORE_SCALE;
    const int hundredths = static_cast<int>(score * 100.0F + (score < 0.0F ? -0.5F : 0.5F));
    const int positive = hundredths < 0 ? -hundredths : hundredths;
    static char line[160];
    snprintf(line, sizeof line, "result %s, score %s%d.%02d, %lu us", labels[best], hundredths < 0 ? "-" : "",
             positive / 100, positive % 100, static_cast<unsigned long>(latency_us));
    say(line);
}

void loop()
{
    camera_fb_t *const taken = esp_camera_fb_get();
    if (taken == nullptr) {
        say("camera: no frame");
        delay(100);
        return;
    }
    const kt_camera_frame frame = {taken->buf, static_cast<int32_t>(taken->width), static_cast<int32_t>(taken->height),
                                   KT_CAMERA_CHANNELS == 1 ? KT_CAMERA_GREY : KT_CAMERA_RGB565};
    look(frame);
    esp_camera_fb_return(taken);
    const char *why = "";
    const uint32_t begin = static_cast<uint32_t>(micros());
    if (app->invoke(nullptr, nullptr, &why) != 0) {
        say(why);
        delay(1000);
        return;
    }
    tell(static_cast<uint32_t>(micros()) - begin);
}
